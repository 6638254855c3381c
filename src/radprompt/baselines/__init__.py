"""Conventional models on the same features and splits."""

"""Anybody's images and masks, in two or three dimensions: read, checked, measured."""

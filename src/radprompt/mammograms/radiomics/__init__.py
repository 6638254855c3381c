"""Sixty-seven features, their names and their scale."""

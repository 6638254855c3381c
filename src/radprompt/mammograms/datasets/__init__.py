"""Loaders: a data set on disk to a lesion table."""

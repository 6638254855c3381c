"""Synthetic mammograms in the real data sets' layouts."""

"""Pixels, regions and contours; knows no data set."""

"""Front end: mammograms in the layouts of their data sets to contours and features."""

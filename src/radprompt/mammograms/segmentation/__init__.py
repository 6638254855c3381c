"""nnU-Net on regions of interest, and how good its masks are."""

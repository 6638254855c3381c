"""The report: one self-contained page made from what the pipeline left, without computing anything anew."""

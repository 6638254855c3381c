"""Answers of this study to the checklists CLEAR and METRICS, which the report fills in."""

"""The report: two self-contained pages made from what the pipeline left; nothing is computed again."""

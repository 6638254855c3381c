"""Tables of ablations: DVC experiments that are queued, run, found again and collected."""

"""What is missing before anything runs, where to get it, and what a run will cost."""

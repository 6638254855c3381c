"""A study: its settings, its cohort, and the recipe from z-scores to sentences."""

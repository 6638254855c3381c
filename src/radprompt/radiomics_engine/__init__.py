"""PyRadiomics' features with each quantity computed once; PyRadiomics itself measures a sample of every run again."""

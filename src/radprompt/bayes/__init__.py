"""Bayesian logistic regression by Laplace's approximation, its prior over names, its evidence: numbers alone."""

"""The named model: a Bayesian logistic regression whose prior knows the features' names; knows no image."""

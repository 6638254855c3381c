"""A trained model that leaves the repository: exported as one folder, used on single cases elsewhere."""

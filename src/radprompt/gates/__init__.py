"""What must hold of the data before anything learns from it: expectations, leakage, drift."""

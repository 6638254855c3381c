"""Errors, atomic outputs, untrusted inputs, parameters, and how work is spread."""

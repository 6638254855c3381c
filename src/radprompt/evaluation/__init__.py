"""Scores, intervals, tables and figures from the one predictions schema."""

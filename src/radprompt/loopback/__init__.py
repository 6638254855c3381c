"""Local pages: who may open them, how they are served on this machine alone, and what they share."""

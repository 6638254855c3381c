"""The stages of the pipelines, a script each: read, call, write."""

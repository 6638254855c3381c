"""The language model: backbone, split, adapters, training; knows no image."""

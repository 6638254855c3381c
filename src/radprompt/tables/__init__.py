"""The tables that stages hand on: lesions, features, predictions, embeddings."""

"""What looks after the repository: fingerprints of the code, the lock, remotes, profiles."""

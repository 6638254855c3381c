"""What a branch changes: the comment that a pull request gets, and the page beside it."""

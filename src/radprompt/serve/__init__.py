"""``radprompt serve``: a page and an interface for one case at a time, on this machine alone."""

"""Errors that a user can act on."""

SHOW_TRACEBACK = "RADPROMPT_TRACEBACK"
"""Environment variable that, when set, puts the traceback before the message of an error (``radprompt -v``)."""


class InputError(ValueError):
    """Something handed to radprompt is wrong, and the user can mend it.

    Parameters
    ----------
    what
        What is wrong, with the value that was found.
    where
        File, row or key that holds it.
    fix
        What to do about it.
    """

    def __init__(self, what: str, *, where: str = "", fix: str = "") -> None:
        self.what, self.where, self.fix = what, where, fix
        super().__init__("\n".join(filter(None, [f"{where}: {what}" if where else what, fix and f"Fix: {fix}"])))

    def __reduce__(self) -> tuple:
        """Survive the trip back from a worker process."""
        return _rebuild, (type(self), self.what, self.where, self.fix)


class ImageError(InputError):
    """An image that cannot be read or used; loaders turn it into an exclusion with this text as the reason."""


def _rebuild(kind: type[InputError], what: str, where: str, fix: str) -> InputError:
    return kind(what, where=where, fix=fix)

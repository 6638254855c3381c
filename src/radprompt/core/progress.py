"""Progress bars belong on a terminal: a log gets none."""

from functools import partialmethod

from tqdm.std import tqdm


def show_bars_on_terminals_only() -> None:
    """Hide every later tqdm bar of this process, of libraries too, whose output is not a terminal.

    ``disable=None`` is tqdm's own word for that, and becomes the default; a bar that sets ``disable`` itself is left
    alone. The environment variable ``TQDM_DISABLE`` would do only if it were set before tqdm is imported.
    """
    tqdm.__init__ = partialmethod(tqdm.__init__, disable=None)

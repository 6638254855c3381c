"""Progress bars belong on a terminal: a log gets none."""

import os
from functools import partialmethod
from typing import Any

HIDE_BARS = "RADPROMPT_NO_BARS"
"""Environment variable that, when set, hides bars on terminals too (``radprompt -q``)."""


def show_bars_on_terminals_only() -> None:
    """Hide every later tqdm bar of this process, of libraries too, whose output is not a terminal.

    ``disable=None`` is tqdm's own word for that, and becomes the default; a bar that sets ``disable`` itself is left
    alone. The environment variable ``TQDM_DISABLE`` would do only if it were set before tqdm is imported.
    """
    from tqdm.std import tqdm

    if not os.environ.get(HIDE_BARS):
        tqdm.__init__ = partialmethod(tqdm.__init__, disable=None)
        return
    begin = tqdm.__init__

    def hidden(bar: tqdm, *args: Any, **options: Any) -> None:
        begin(bar, *args, **options | {"disable": True})

    tqdm.__init__ = hidden

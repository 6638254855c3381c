"""What every script in ``stages/`` shares: its arguments and how it fails."""

import os
import sys
from collections.abc import Callable

from radprompt.errors import InputError


def run(main: Callable[..., None], *arguments: str) -> None:
    """Call ``main`` with the command line's arguments; an :class:`InputError` ends in one screen and exit status 1.

    Parameters
    ----------
    main
        The stage. Its parameters are strings, one for each name in ``arguments``.
    arguments
        Names of the arguments, shown in the usage line.
    """
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    script = os.path.relpath(sys.argv[0])
    given = sys.argv[1:]
    if len(given) != len(arguments):
        sys.stderr.write(f"usage: python {script} {' '.join(arguments)}\n")
        sys.exit(2)
    try:
        main(*given)
    except InputError as error:
        sys.stderr.write(f"\n{script} stopped; its outputs are as they were.\n{error}\n")
        sys.exit(1)

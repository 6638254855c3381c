"""What every script in ``stages/`` shares: its arguments, how it fails and how it ends."""

import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from radprompt.core.child_process import EndedBySignal, end_at_once, signals_raise
from radprompt.core.errors import SHOW_TRACEBACK, InputError
from radprompt.core.progress import show_bars_on_terminals_only
from radprompt.core.timing import instance_name, record_at_exit

_SEGMENTER_STAGES = frozenset({"segmenter", "masks"})


def run(main: Callable[..., None], *arguments: str) -> None:
    """Call ``main`` with the command line's arguments; an :class:`InputError` ends in one screen and exit status 1.

    An out-of-memory error of a graphics card exits the same way and names settings that use less memory. Ctrl-C,
    SIGTERM and SIGHUP end in one line and a shell's status for the signal: 130, 143 and 129. In a log there are no
    progress bars. A stage that succeeds records its time and memory (:mod:`radprompt.core.timing`).

    Parameters
    ----------
    main
        The stage. Its parameters are strings, one for each name in ``arguments``.
    arguments
        Names of the arguments, shown in the usage line.
    """
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    script, name = os.path.relpath(sys.argv[0]), Path(sys.argv[0]).stem
    if script.startswith(os.pardir):  # of the installed package
        script = f"-m radprompt.stages.{name}"
    given = sys.argv[1:]
    if len(given) != len(arguments):
        sys.stderr.write(f"usage: python {script} {' '.join(arguments)}\n")
        sys.exit(2)
    show_bars_on_terminals_only()
    end_at_once()
    try:
        with signals_raise():
            main(*given)
    except (KeyboardInterrupt, EndedBySignal) as error:
        _end_by_signal(script, error)
    except InputError as error:
        _stop(script.removeprefix("-m "), str(error))
    except RuntimeError as error:
        if type(error).__name__ != "OutOfMemoryError":  # torch's, which light stages do not import
            raise
        fix = smaller_gpu_memory(name)
        _stop(script, f"the graphics card is full: {str(error).splitlines()[0]}\nFix: {fix}")
    record_at_exit(instance_name(name, given))


def smaller_gpu_memory(script: str) -> str:
    """Return what makes the stage of this script use less of a graphics card's memory."""
    if script in _SEGMENTER_STAGES:
        return "set segmentation.plan to small, or end what else runs on the card (`nvidia-smi`)"
    return (
        "lower llm.batch_size or llm.lora.layers, or set llm.backbone.quantisation to 4bit; "
        "`radprompt doctor` says what training needs"
    )


def _stop(script: str, words: str) -> NoReturn:
    if os.environ.get(SHOW_TRACEBACK):
        traceback.print_exc()
    sys.stderr.write(f"\n{script} stopped; its outputs are as they were.\n{words}\n")
    sys.exit(1)


def _end_by_signal(script: str, error: KeyboardInterrupt | EndedBySignal) -> NoReturn:
    name, status = (error.name, error.code) if isinstance(error, EndedBySignal) else ("Ctrl-C", 130)
    sys.stderr.write(f"\n{script} stopped by {name}; its outputs are as they were.\n")
    sys.exit(status)

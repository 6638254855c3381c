"""What stages write in the place of the language model's results where ``llm.tuning: none`` leaves it out.

Each output is there and says so: a folder holds :data:`MARK` alone, a table its head alone. Stages downstream then run
as ever, and whoever reads a result can tell "left out" from "not made yet". Nothing heavy is imported: ``radprompt
summary`` reads the mark.
"""

from collections.abc import Sequence
from pathlib import Path

MARK = "left_out.json"
"""The only file in the folder of a result that was left out."""

WORDS = "The language model was left out of this run (llm.tuning: none)."
"""What screens and pages say."""


def mark_left_out(folder: str | Path) -> None:
    """Write a folder that holds nothing but the mark."""
    from radprompt.core.outputs import atomic_folder, write_json

    with atomic_folder(folder) as part:
        write_json(part / MARK, {"left_out": "llm.tuning: none"})


def is_left_out(folder: str | Path) -> bool:
    """Tell whether a folder holds the mark."""
    return Path(folder, MARK).is_file()


def write_head(path: str | Path, columns: Sequence[str]) -> None:
    """Write a table without rows."""
    import pandas as pd

    from radprompt.core.outputs import write_csv

    write_csv(path, pd.DataFrame(columns=list(columns)))


def has_head_alone(path: str | Path, columns: Sequence[str]) -> bool:
    """Tell whether a file is exactly what :func:`write_head` writes."""
    try:
        with Path(path).open(encoding="utf-8") as file:
            return file.readline() == f"{','.join(columns)}\n" and not file.readline()
    except (OSError, UnicodeDecodeError):
        return False

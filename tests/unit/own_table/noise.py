"""Tables without any signal, to which a test adds the column that it is about."""

import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from radprompt.core.table_params import Table
from radprompt.own_table.checking import Checked, check
from radprompt.own_table.faults import LISTS, Command

ROWS = 100
NUMBERS = ["Sphericity", "Mean", "Zone Entropy", "Elongation"]
MISSING = ["", "NA", "NaN", "#DIV/0!"]


def noise(rows: int = ROWS, seed: int = 0, **columns: Any) -> pd.DataFrame:
    """Measurements that say nothing of the label, as many features have them, sorted by the label."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(rng.normal(size=(rows, len(NUMBERS))).round(4), columns=NUMBERS)
    table["Margin"] = rng.choice(["oval", "round", "irregular"], rows)
    table["Voxels"] = np.exp(rng.normal(8, 1, rows)).astype(int)
    table["age"] = rng.integers(30, 85, rows)
    table["label"] = np.sort(rng.choice(["benign", "malignant"], rows))
    return table.assign(**columns)


def run_check(path: Path, **options: Any) -> Checked:
    """Check a table with options spelt as on the command line."""
    plain: dict[str, Any] = dict.fromkeys(("positive", "id", "group", "site", "split", "decimal"))
    lists: dict[str, Any] = {key: [] for key in LISTS.values()}
    given = {LISTS.get(key, key): value for key, value in options.items()}
    given["missing"] = [*MISSING, *given.get("missing", [])]
    table = Table(**({"label": "label"} | plain | lists | given))
    return check(path, table, command=Command(str(path), {"label": "label", **options}))


def pasted(message: str) -> dict[str, Any]:
    """Return the options of the command in a message, as a shell would split it."""
    line = next(line for line in message.replace("Fix: ", "").splitlines() if line.startswith("radprompt table "))
    words, options = shlex.split(line)[3:], {}
    while words:
        name, equals, value = words.pop(0).removeprefix("--").partition("=")
        value = value if equals else words.pop(0)
        if name in LISTS:
            options.setdefault(name, []).append(value)
        else:
            options[name] = value
    return options

"""What the check stage hands on: cases, their features and what the columns are, as files."""

import json
from pathlib import Path
from typing import Any

import pandas as pd

from radprompt.core.errors import InputError
from radprompt.core.outputs import write_csv, write_json
from radprompt.own_table.checking import Checked, Exclusion
from radprompt.own_table.columns import Column

CASES, FEATURES, COLUMNS = "data/cases.csv", "data/features.csv", "data/columns.json"
FLOW = "metrics/table.json"
_FIX = "run `dvc repro`, or `dvc pull`"


def write_checked(checked: Checked, root: Path = Path()) -> None:
    """Write the four files; see :func:`read_checked`."""
    write_csv(root / CASES, checked.about)
    write_csv(root / FEATURES, checked.features)
    content: dict[str, Any] = {
        "classes": list(checked.classes),
        "sites": checked.sites,
        "columns": [column._asdict() for column in checked.columns],
        "left_out": checked.left_out,
        "exclusions": [exclusion._asdict() for exclusion in checked.exclusions],
        "notes": checked.notes,
    }
    write_json(root / COLUMNS, content)
    write_json(root / FLOW, checked.flow)


def read_checked(root: Path = Path()) -> Checked:
    """Read what :func:`write_checked` wrote; an absent file is an :class:`InputError`."""
    content = read_json(root / COLUMNS)
    columns = [Column(**column) for column in content["columns"]]
    about = read_text_table(root / CASES).astype({"label": int})
    features = read_text_table(root / FEATURES)
    features = features.where(features != "", None)
    return Checked(
        about,
        features,
        columns,
        (content["classes"][0], content["classes"][1]),
        content["sites"],
        content["left_out"],
        [Exclusion(**exclusion) for exclusion in content["exclusions"]],
        content["notes"],
    )


def read_json(path: Path) -> Any:
    """Read a JSON file that a stage wrote; an absent one is an :class:`InputError`."""
    if not path.is_file():
        raise InputError("no such file", where=str(path), fix=_FIX)
    return json.loads(path.read_text(encoding="utf-8"))


def read_text_table(path: Path) -> pd.DataFrame:
    """Read a CSV that a stage wrote, every cell as text, '' where empty; names may occur twice."""
    if not path.is_file():
        raise InputError("no such file", where=str(path), fix=_FIX)
    rows = pd.read_csv(path, header=None, dtype=object, keep_default_na=False, skip_blank_lines=False)
    return rows.iloc[1:].set_axis([str(name) for name in rows.iloc[0]], axis=1).reset_index(drop=True)

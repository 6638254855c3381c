"""From named z-scores to the sentence that the language model reads (paper, step 5), and prompt files."""

import json
import math
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from radprompt.errors import InputError
from radprompt.outputs import write_jsonl
from radprompt.params import Prompt
from radprompt.settings import ROLES

COLUMNS = ("lesion_id", "split", "prompt", "label")


def render(names: Sequence[str], values: Sequence[float], settings: Prompt) -> str:
    """Return one prompt, worded, spaced and punctuated as the paper prints it.

    Parameters
    ----------
    names
        Readable feature names, in the order of the sentence.
    values
        Their z-scores; rounded to ``settings.decimals``, trailing zeros dropped, never ``-0``.
    settings
        The instruction and the decimals.

    Raises
    ------
    InputError
        For a value that is no finite number; it names the feature.

    Examples
    --------
    >>> render(["Sphericity"], [-0.8], Prompt(instruction="Classify.", decimals=3))
    "Classify. The 'Sphericity' feature is measured at -0.8 ."
    """
    sentences = [
        f"The '{name}' feature is measured at {_number(name, value, settings.decimals)} ."
        for name, value in zip(names, values, strict=True)
    ]
    return " ".join([settings.instruction, *sentences])


def render_frame(X: pd.DataFrame, settings: Prompt) -> list[str]:
    """Return one prompt a row; the columns' names, in their order, are the features' names.

    Raises
    ------
    InputError
        For a value that is no finite number; it names row and feature.
    """
    names = [str(name) for name in X.columns]
    prompts = []
    for row, values in zip(X.index, X.itertuples(index=False, name=None), strict=True):
        try:
            prompts.append(render(names, values, settings))
        except InputError as error:
            raise InputError(error.what, where=f"row {row!r}", fix=error.fix) from None
    return prompts


def write_prompts(path: str | Path, table: pd.DataFrame) -> None:
    """Write one JSON object a line with ``lesion_id``, ``split``, ``prompt`` and ``label``, in the table's order."""
    columns = [table[name].tolist() for name in COLUMNS]
    write_jsonl(path, [dict(zip(COLUMNS, row, strict=True)) for row in zip(*columns, strict=True)])


def read_prompts(path: str | Path) -> pd.DataFrame:
    """Read a prompt file; columns as :func:`write_prompts` wrote them.

    Raises
    ------
    InputError
        For an absent or empty file, a line that is no JSON object, a key that is missing, a split that is not train,
        val or test, a label that is not 0 or 1, an empty prompt or a repeated id; it names the line.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError("no such prompt file", where=str(path), fix="run `dvc repro`, or `dvc pull`")
    rows: list[dict[str, object]] = []
    seen: set[object] = set()
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        try:
            row = json.loads(line)
        except ValueError as error:
            row, problem = None, f"not JSON: {error}"
        else:
            problem = _problem(row, seen)
        if problem:
            raise InputError(
                problem, where=f"{path}, line {number}", fix=f"every line is an object with {', '.join(COLUMNS)}"
            )
        seen.add(row["lesion_id"])
        rows.append({name: row[name] for name in COLUMNS})
    if not rows:
        raise InputError("no prompts", where=str(path), fix="run `dvc repro` again")
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _number(name: str, value: float, decimals: int) -> str:
    try:
        value = float(value)
    except (TypeError, ValueError):
        value = math.nan
    if not math.isfinite(value):
        raise InputError(
            f"the value of {name!r} is missing or not finite", fix="impute or drop it: a prompt names every feature"
        )
    text = f"{value:.{decimals}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def _problem(row: object, seen: set[object]) -> str:
    if not isinstance(row, dict):
        return "not an object"
    missing = [name for name in COLUMNS if name not in row]
    if missing:
        return f"{', '.join(missing)} missing"
    if not isinstance(row["lesion_id"], str) or row["lesion_id"] in seen:
        return f"lesion_id {row['lesion_id']!r} is no text or occurs twice"
    if row["split"] not in ROLES:
        return f"split is {row['split']!r}, not one of {', '.join(ROLES)}"
    if type(row["label"]) is not int or row["label"] not in (0, 1):
        return f"label is {row['label']!r}, not 0 (benign) or 1 (malignant)"
    if not isinstance(row["prompt"], str) or not row["prompt"].strip():
        return "the prompt is empty or no text"
    return ""

"""Which of a label's two values counts as 1."""

from typing import NamedTuple

import pandas as pd

from radprompt.core.errors import InputError
from radprompt.own_table.number_formats import is_number

KNOWN = (
    ("0", "1"),
    ("b", "m"),
    ("benign", "malignant"),
    ("benign", "cancer"),
    ("normal", "cancer"),
    ("normal", "abnormal"),
    ("healthy", "diseased"),
    ("control", "case"),
    ("absent", "present"),
    ("no", "yes"),
    ("n", "y"),
    ("false", "true"),
    ("f", "t"),
    ("negative", "positive"),
    ("neg", "pos"),
    ("-", "+"),
)
"""Pairs whose second word counts as 1 without being asked; case does not matter."""

_MALIGNANT = ("malign", "malin", "bösartig", "boesartig", "kwaadaardig", "злокач", "恶性", "惡性", "悪性", "악성")
"""How the word for malignant begins in other languages: the other value is then the one that is not looked for."""


class Labels(NamedTuple):
    """Classes 0 and 1 in the table's own words, and each row's class."""

    classes: tuple[str, str]
    codes: pd.Series


def read_labels(values: pd.Series, positive: object, where: str) -> Labels:
    """Turn a column of two values into 0 and 1.

    Parameters
    ----------
    values
        Text, no cell missing. Case does not count, nor does 1.0 differ from 1.
    positive
        The value that counts as 1; None: by :data:`KNOWN`, or the one that says malignant.
    where
        File, for the message.

    Raises
    ------
    InputError
        For one class only, more than two, a positive value that does not occur, or none given where it is not plain.
    """
    column, keys = str(values.name), values.map(label_key)
    counts = keys.value_counts(sort=False)
    spelt = {key: str(values[keys == key].iloc[0]) for key in counts.index}
    place = f"{where}, column {column!r}"
    if len(counts) < 2:
        raise InputError(
            f"every case is {next(iter(spelt.values()), 'without a label')!r}",
            where=place,
            fix="a classifier needs cases of two classes",
        )
    if len(counts) > 2:
        some = ", ".join(f"{spelt[key]} ({counts[key]})" for key in list(counts.index)[:6])
        more = ", ..." if len(counts) > 6 else ""
        raise InputError(
            f"{len(counts)} different values, and only two classes are supported so far: {some}{more}",
            where=place,
            fix="make a column that says one class against the rest, and name it with --label",
        )
    one = _known(list(spelt)) if positive is None else label_key(str(positive))
    if one is None:
        first, second = spelt.values()
        raise InputError(
            f"which of {first!r} and {second!r} counts as 1, the class that is looked for?",
            where=place,
            fix=f"say it: --positive {second!r} or --positive {first!r} (table.positive in params.yaml)",
        )
    if one not in spelt:
        fix = f"name one of {', '.join(map(repr, spelt.values()))}"
        raise InputError(f"no case is {positive!r}", where=f"{place}, --positive", fix=fix)
    (zero,) = set(spelt) - {one}
    return Labels((spelt[zero], spelt[one]), (keys == one).astype(int))


def _known(keys: list[str]) -> str | None:
    """Return the value that counts as 1 without being asked."""
    malignant = [key for key in keys if key.startswith(_MALIGNANT)]
    return malignant[0] if len(malignant) == 1 else next((b for a, b in KNOWN if {a, b} == set(keys)), None)


def label_key(value: str) -> str:
    """Return what two spellings of a value share: case does not count, nor does 1.0 differ from 1, or 007 from 7."""
    text = value.strip().casefold()
    if not is_number(text) or "e" in text:  # 72e996 is a name
        return text
    whole, _, decimals = text.lstrip("+-").partition(".")  # as text: long ids have more digits than a float
    number = f"{whole.lstrip('0') or '0'}.{decimals}".removesuffix(".").removesuffix(f".{'0' * len(decimals)}")
    return f"-{number}" if text.startswith("-") and number != "0" else number

"""From names and values to the sentence that the language model reads (paper, step 5)."""

import math
import re
import zlib
from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd

from radprompt.core.errors import InputError
from radprompt.core.params import Prompt

_SENTENCE = re.compile(r"The '(.+?)' feature is .+? \.(?= The '|$)")


class Word(str):
    """A value that is a word, such as a category's: printed as it is, ``feature is oval .``; never a number."""


def render(names: Sequence[str], values: Sequence[float | Word], settings: Prompt) -> str:
    """Return one prompt, worded, spaced and punctuated as the paper prints it.

    Parameters
    ----------
    names
        Feature names as they are to be printed, in the order of the sentence.
    values
        Their values: z-scores are rounded to ``settings.decimals``, never ``-0``; raw values have that many significant
        digits after the first; trailing zeros are dropped unless ``settings.trailing_zeros``; a :class:`Word` one is a
        word.
    settings
        The instruction, what the values are, and the decimals.

    Raises
    ------
    InputError
        For a value that is not a finite number; it names the feature.

    Examples
    --------
    >>> render(["Sphericity"], [-0.8], Prompt(instruction="Classify."))
    "Classify. The 'Sphericity' feature is measured at -0.8 ."
    """
    sentences = [
        f"The '{name}' feature is {_value(name, value, settings)} ." for name, value in zip(names, values, strict=True)
    ]
    return " ".join([settings.instruction, *sentences])


def render_frame(X: pd.DataFrame, settings: Prompt, seed: int = 0) -> list[str]:
    """Return one prompt a row; the columns' names are the features' names.

    The order of the columns does not count: sentences go by name, or with ``settings.order`` ``random`` in an order
    drawn for each row from ``seed`` and its index.

    Parameters
    ----------
    X
        One row a lesion, one column a feature.
    settings
        Everything else about the sentence.
    seed
        Of the shuffled names (:func:`shown_names`) and the random orders.

    Raises
    ------
    InputError
        For a value that is not a finite number; it names row and feature.
    """
    shown = shown_names([str(name) for name in X.columns], settings.names, seed)
    columns = sorted(range(X.shape[1]), key=lambda i: shown[i])
    prompts = []
    for row, values in zip(X.index, X.itertuples(index=False, name=None), strict=True):
        order: Sequence[int] = columns
        if settings.order == "random":
            order = np.random.default_rng([seed, zlib.crc32(str(row).encode())]).permutation(columns).tolist()
        try:
            prompts.append(render([shown[i] for i in order], [values[i] for i in order], settings))
        except InputError as error:
            raise InputError(error.what, where=f"row {row!r}", fix=error.fix) from None
    return prompts


def shown_names(names: Sequence[str], how: Literal["real", "censored", "shuffled"], seed: int) -> list[str]:
    """Return the name that a prompt prints for each feature (paper, Table 5).

    ``censored``: Feature A, Feature B, ... by the real names' order. ``shuffled``: every feature gets the name of
    another one of them, the same in every prompt. Which one depends only on the set of names and ``seed``.

    Examples
    --------
    >>> shown_names(["Mean", "Energy"], "censored", 0)
    ['Feature B', 'Feature A']
    """
    known = sorted(names)
    if how == "censored":
        return [f"Feature {_letters(known.index(name))}" for name in names]
    if how == "shuffled":
        ring = np.random.default_rng(seed).permutation(known).tolist()  # each takes its successor's name: none its own
        return [ring[(ring.index(name) + 1) % len(ring)] for name in names]
    return list(names)


def _letters(number: int) -> str:
    """Return A, B, ..., Z, AA, AB, ... for 0, 1, ..."""
    letters = ""
    while number >= 0:
        letters = chr(ord("A") + number % 26) + letters
        number = number // 26 - 1
    return letters


def closings(prompt: str) -> list[int]:
    """Return where each feature's sentence ends in a prompt that :func:`render` made: offsets one past its full stop.

    Examples
    --------
    >>> closings("Classify. The 'Sphericity' feature is measured at -0.8 .")
    [56]
    """
    return [found.end() for found in _SENTENCE.finditer(prompt)]


def closing_names(prompt: str) -> list[str]:
    """Return the feature's name in each sentence of :func:`closings`."""
    return [found.group(1) for found in _SENTENCE.finditer(prompt)]


def _value(name: str, value: float | Word, settings: Prompt) -> str:
    return value if isinstance(value, Word) else f"measured at {_number(name, value, settings)}"


def _number(name: str, value: float, settings: Prompt) -> str:
    try:
        value = float(value)
    except (TypeError, ValueError):
        value = math.nan
    if not math.isfinite(value):
        raise InputError(
            f"the value of {name!r} is missing or not finite", fix="impute or drop it: a prompt names every feature"
        )
    raw, zeros = settings.values == "raw", settings.trailing_zeros
    text = np.format_float_positional(
        value, precision=settings.decimals + raw, unique=False, fractional=not raw, trim="k" if zeros else "-"
    ).rstrip(".")
    return text.removeprefix("-") if float(text) == 0 else text

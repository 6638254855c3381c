"""Rows that are copies of each other, also where one was rounded: they belong on one side of a split."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

_CHANCE = 0.01  # expected pairs of different lesions that agree by chance, above which nothing is concluded
_JUDGED = 6  # columns that tell rows apart best, taken as independent


def find_copies(cells: pd.DataFrame, numbers: pd.DataFrame) -> list[tuple[int, int]]:
    """Return pairs of rows (their index) that agree in every column as far as both are written.

    Parameters
    ----------
    cells
        Text of the columns to compare that are not numbers, None where missing.
    numbers
        The columns that hold numbers, as text, None where missing. 0.78 agrees with 0.7795.
    """
    count = len(numbers)
    if count < 2 or numbers.shape[1] == 0:
        return []
    values = numbers.astype(float).to_numpy(float)
    steps = np.column_stack([_last_digit(numbers[name]) for name in numbers])
    order = sorted(range(values.shape[1]), key=lambda place: -len(np.unique(values[:, place])))
    one, other = _close_pairs(values[:, order[0]], steps[:, order[0]])
    for place in order[1:]:
        if not len(one):
            return []
        near = _agree(values[one, place], values[other, place], np.maximum(steps[one, place], steps[other, place]))
        one, other = one[near], other[near]
    for name in cells:
        codes = pd.factorize(cells[name].str.casefold())[0]
        same = codes[one] == codes[other]
        one, other = one[same], other[same]
    best, found = order[:_JUDGED], []
    for first, second in zip(one.tolist(), other.tolist(), strict=True):
        step = np.maximum(steps[first, best], steps[second, best])
        chance = np.prod([_agree(values[:, p], values[first, p], s).mean() for p, s in zip(best, step, strict=True)])
        if chance * count * (count - 1) / 2 < _CHANCE:
            found.append((int(numbers.index[first]), int(numbers.index[second])))
    return sorted(found)


def united(groups: pd.Series, pairs: list[tuple[int, int]]) -> pd.Series:
    """Return group names in which the groups of every pair's rows are one, called like the first of them."""
    leader: dict[str, str] = {}

    def first_of(name: str) -> str:
        while name in leader:
            name = leader[name]
        return name

    place = {name: number for number, name in enumerate(dict.fromkeys(groups))}
    for one, other in pairs:
        early, late = sorted((first_of(groups[one]), first_of(groups[other])), key=place.__getitem__)
        if early != late:
            leader[late] = early
    return groups.map(first_of)


def _last_digit(cells: pd.Series) -> NDArray[np.float64]:
    """Return the value of the last written digit of each cell: 0.01 for 1.23, 1000 for 1.23e5."""

    def step(cell: object) -> float:
        if not isinstance(cell, str):
            return 0.0
        digits, _, exponent = cell.lower().partition("e")
        return float(10.0 ** ((int(exponent) if exponent else 0) - len(digits.partition(".")[2])))

    return np.array([step(cell) for cell in cells])


def _agree(a: NDArray[np.float64], b: NDArray[np.float64], step: NDArray[np.float64]) -> NDArray[np.bool_]:
    return (np.abs(a - b) <= 0.5001 * step) | (a == b) | (np.isnan(a) & np.isnan(b))


def _close_pairs(values: NDArray[np.float64], steps: NDArray[np.float64]) -> tuple[NDArray, NDArray]:
    """Return the pairs of rows that agree in one column, without comparing all of them."""
    order = np.argsort(values, kind="stable")
    ordered, width = values[order], 0.5001 * steps[order]
    known = int((~np.isnan(ordered)).sum())
    ends = np.searchsorted(ordered[:known], ordered[:known] + np.maximum(width[:known], 0.5001 * steps.max()), "right")
    firsts, seconds = [], []
    for place in range(known):
        firsts.append(np.full(ends[place] - place - 1, place))
        seconds.append(np.arange(place + 1, ends[place]))
    lost = np.arange(known, len(order))
    pairs = np.array([(a, b) for a in lost for b in lost if a < b]).reshape(-1, 2)
    one = order[np.concatenate([*firsts, pairs[:, 0]]).astype(int)]
    other = order[np.concatenate([*seconds, pairs[:, 1]]).astype(int)]
    near = _agree(values[one], values[other], np.maximum(steps[one], steps[other]))
    return np.minimum(one, other)[near], np.maximum(one, other)[near]

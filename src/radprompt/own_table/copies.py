"""Rows that are copies of each other, also rounded or with some cells changed: they belong on one side of a split."""

from collections import Counter

import numpy as np
import pandas as pd
from numpy.typing import NDArray

_CHANCE = 0.01  # expected pairs of different lesions that agree by chance, above which nothing is concluded
_JUDGED = 6  # columns that tell rows apart best, taken as independent
_TELLING = 0.25  # different values per row from which a column tells rows apart
_ENOUGH = 5  # such columns from which rows may be copies that differ elsewhere
_EQUAL = 0.8  # share of them in which such copies agree
_TRIED = 12  # of them in which pairs are looked for


def find_copies(cells: pd.DataFrame, numbers: pd.DataFrame) -> list[tuple[int, int]]:
    """Return pairs of rows (their index) that agree as far as both are written, in every column or in nearly all.

    Parameters
    ----------
    cells
        Text of the columns to compare that are not numbers, None where missing.
    numbers
        The columns that hold numbers, as text, None where missing. 0.78 agrees with 0.7795. Where at least five of
        them tell rows apart, copies may differ in a fifth of these, and elsewhere: one was exported again, a year
        older and with a cell emptied.
    """
    count = len(numbers)
    if count < 2 or numbers.shape[1] == 0:
        return []
    values = numbers.astype(float).to_numpy(float)
    steps = np.column_stack([_last_digit(numbers[name]) for name in numbers])
    levels = np.array([len(np.unique(own[~np.isnan(own)])) for own in values.T])
    order = sorted(range(values.shape[1]), key=lambda place: -levels[place])
    pairs = _agreeing(values, steps, order)
    for name in cells:
        codes = pd.factorize(cells[name].str.casefold())[0]
        pairs = [(one, other) for one, other in pairs if codes[one] == codes[other]]
    telling = [place for place in order if levels[place] > max(_TELLING * (~np.isnan(values[:, place])).sum(), 1)]
    found = {pair for pair in pairs if _unlikely(values, steps, order[:_JUDGED], pair)}
    if len(telling) >= _ENOUGH:
        for pair in _nearly(values[:, telling], steps[:, telling]):
            one, other = values[pair[0], telling], values[pair[1], telling]
            both = ~np.isnan(one) & ~np.isnan(other)
            same = both & _agree(one, other, np.maximum(steps[pair[0], telling], steps[pair[1], telling]))
            if same.sum() >= max(_ENOUGH, _EQUAL * both.sum()) and both.mean() >= _TELLING:
                best = [place for place, equal in zip(telling, same, strict=True) if equal][:_JUDGED]
                found |= {pair} if _unlikely(values, steps, best, pair) else set()
    return sorted((int(numbers.index[one]), int(numbers.index[other])) for one, other in found)


def _agreeing(values: NDArray[np.float64], steps: NDArray[np.float64], order: list[int]) -> list[tuple[int, int]]:
    one, other = _close_pairs(values[:, order[0]], steps[:, order[0]])
    for place in order[1:]:
        if not len(one):
            break
        near = _agree(values[one, place], values[other, place], np.maximum(steps[one, place], steps[other, place]))
        one, other = one[near], other[near]
    return list(zip(one.tolist(), other.tolist(), strict=True))


def _nearly(values: NDArray[np.float64], steps: NDArray[np.float64]) -> list[tuple[int, int]]:
    """Return the pairs of rows that agree in half of some columns, spread over all."""
    tried = np.unique(np.linspace(0, values.shape[1] - 1, _TRIED).astype(int))
    times: Counter[tuple[int, int]] = Counter()
    for place in tried:
        known = np.flatnonzero(~np.isnan(values[:, place]))
        one, other = _close_pairs(values[known, place], steps[known, place])
        times.update(zip(known[one].tolist(), known[other].tolist(), strict=True))
    return [pair for pair, number in times.items() if number >= len(tried) / 2]


def _unlikely(
    values: NDArray[np.float64], steps: NDArray[np.float64], columns: list[int], pair: tuple[int, int]
) -> bool:
    """Return whether chance would hardly have one pair of rows agree so in these columns."""
    step, count = np.maximum(steps[pair[0], columns], steps[pair[1], columns]), len(values)
    each = zip(columns, step, strict=True)
    chance = np.prod([_agree(values[:, place], values[pair[0], place], width).mean() for place, width in each])
    return bool(chance * count * (count - 1) / 2 < _CHANCE)


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

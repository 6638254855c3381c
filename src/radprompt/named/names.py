"""Where a classifier's prior comes from: its parameters, checked, and the vectors and directions of names."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radprompt.bayes.evidence import GRID
from radprompt.bayes.prior import NamePrior
from radprompt.core.errors import InputError
from radprompt.named.reading import plain_numbers

if TYPE_CHECKING:
    from radprompt.named.classifier import NamedClassifier

Floats = NDArray[np.float64]

SCALINGS = ("auto", "zscore", "normal", "none")
LIMITS = {"alike": 1.0, "site": 1.0}
"""Upper limits of scales; all are at least 0."""


def check_parameters(classifier: "NamedClassifier") -> None:
    """Raise one InputError for all parameters that cannot be used."""
    faults = []
    if classifier.scaling not in SCALINGS:
        faults.append(f"scaling is {classifier.scaling!r}, not one of {', '.join(SCALINGS)}")
    for name, value in (classifier.scales or {}).items():
        if name not in GRID:
            faults.append(f"scales has the key {name!r}; keys are {', '.join(GRID)}")
        elif not (np.isfinite(value) and (0 <= value <= LIMITS.get(name, np.inf) or name == "direction")):
            faults.append(f"scales[{name!r}] is {value}, not a number from 0 to {LIMITS.get(name, 'infinity')}")
        elif name in ("total", "length") and value == 0:
            faults.append(f"scales[{name!r}] is 0, not a positive number")
    if isinstance(classifier.names, pd.DataFrame):
        faults += _frame_faults(classifier.names)
    if isinstance(classifier.direction, Mapping):
        wrong = [name for name, value in classifier.direction.items() if not -1 <= value <= 1]
        faults += [f"direction of {wrong[0]!r} is not in [-1, 1]"] if wrong else []
    elif classifier.direction == "elicited":
        if not isinstance(classifier.names, str | Path):
            faults.append("direction is 'elicited', but names is not the folder of a backbone that could be asked")
    elif classifier.direction is not None:
        faults.append(f"direction is {classifier.direction!r}, not a mapping, 'elicited' or None")
    if not isinstance(classifier.verbose, int | np.bool_):
        faults.append(f"verbose is {classifier.verbose!r}, not True or False")
    if faults:
        raise InputError("; ".join(faults), where="parameters of NamedClassifier", fix="correct them and fit again")


def name_prior(classifier: "NamedClassifier", names: Sequence[str], known: NamePrior | None) -> NamePrior:
    """Return the prior over these names; what ``known`` holds of a name is taken from there.

    Raises
    ------
    InputError
        If a frame of vectors lacks names, or a backbone cannot be read.
    """
    place = {} if known is None else {name: i for i, name in enumerate(known.names)}
    new = [name for name in names if name not in place]
    old = [place[name] for name in names if name in place]
    is_new = np.array([name not in place for name in names], dtype=bool)

    def merged(of_new: Floats | None, of_known: Floats | None) -> Floats | None:
        if of_new is None:
            return None
        values = np.zeros((len(names), *(of_new if of_known is None else of_known).shape[1:]))
        if new:
            values[is_new] = of_new
        if of_known is not None:
            values[~is_new] = of_known[old]
        return values

    states = merged(_states(classifier, new), None if known is None else known.states)
    directions = merged(_directions(classifier, new), None if known is None else known.directions)
    return NamePrior(tuple(names), states, directions)


def _states(classifier: "NamedClassifier", names: Sequence[str]) -> Floats | None:
    source = classifier.names
    if source is None:
        return None
    if isinstance(source, pd.DataFrame):
        table = source.set_axis([str(name) for name in source.index])
        absent = [name for name in names if name not in table.index]
        if absent:
            shown = ", ".join(absent[:5]) + (f" and {len(absent) - 5} more" if len(absent) > 5 else "")
            raise InputError(f"no vector for: {shown}", where="names", fix="add a row for each feature's name")
        return table.loc[list(names)].to_numpy(dtype=float)
    if not names:
        return np.zeros((0, 0))
    from radprompt.named.states import read_states

    return read_states(
        source, names, layer=classifier.layer, instruction=classifier.instruction, cache=classifier.cache
    )


def _directions(classifier: "NamedClassifier", names: Sequence[str]) -> Floats | None:
    if classifier.direction is None:
        return None
    if isinstance(classifier.direction, Mapping):
        return np.array([float(classifier.direction.get(name, 0.0)) for name in names])
    if not names:
        return np.zeros(0)
    from radprompt.named.direction import elicit

    assert isinstance(classifier.names, str | Path)
    outcomes = classifier.outcomes or (str(classifier.classes_[0]), str(classifier.classes_[1]))
    return elicit(classifier.names, names, outcomes)


def _frame_faults(frame: pd.DataFrame) -> list[str]:
    index = frame.index.astype(str)
    faults = [f"names has two rows for {index[index.duplicated()][0]!r}"] if index.has_duplicates else []
    numbers = plain_numbers(frame)
    if numbers is None:
        numbers = frame.apply(pd.to_numeric, errors="coerce").to_numpy(dtype=float)
    if not np.isfinite(numbers).all():
        row = int(np.argwhere(~np.isfinite(numbers))[0][0])
        faults.append(f"names, row {index[row]!r}: a value is not a finite number")
    if not frame.shape[1]:
        faults.append("names has no columns")
    return faults

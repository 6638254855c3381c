"""Which features measure alike when a case is measured again: judged over the cases that models learn from."""

from collections.abc import Collection
from pathlib import Path

import numpy as np
import pandas as pd

from radprompt.core.errors import InputError
from radprompt.evaluation.intraclass import Intraclass, intraclass

REPEATED = "data/repeated.csv"
"""Repeated measurements of a study's cases: ``lesion_id``, several rows a case, and a column a feature."""


def read_repeated(path: str | Path = REPEATED) -> pd.DataFrame:
    """Read repeated measurements.

    Raises
    ------
    InputError
        The file is absent, or holds none.
    """
    table = pd.read_csv(path, dtype={"lesion_id": str}, keep_default_na=False, na_values=[""]) if _is(path) else None
    if table is None or table.empty:
        raise InputError(
            "features.min_icc needs cases that were measured again, and there are none",
            where=str(path),
            fix="set features.min_icc: null, or take repeated measurements in: radprompt table ... --repeated FILE",
        )
    return table


def judge_stability(
    own: pd.DataFrame, repeated: pd.DataFrame, cases: Collection[str], min_icc: float, where: str = REPEATED
) -> pd.DataFrame:
    """Return the agreement of each feature that was measured again, over some cases.

    Parameters
    ----------
    own
        Features, the index the cases' ids.
    repeated
        See :data:`REPEATED`; features of ``own`` that it lacks are not judged.
    cases
        Those that may be looked at, such as training cases. Of these, the ones with the usual number of repeated
        measurements count; a case with more gives its first ones.
    min_icc
        Smallest lower limit of a stable feature.
    where
        Where the repeated measurements are, for errors.

    Returns
    -------
    DataFrame
        ``feature``, ``icc`` (ICC(1,1), see :func:`radprompt.evaluation.intraclass.intraclass`), ``low`` and ``high``
        of its 95 % interval, and ``stable``: ``low`` reaches ``min_icc``. A case without any value of a feature (of
        another site) does not count for it. A feature that is constant, or defined in only some measurements of a case,
        has no ICC and is not stable.

    Raises
    ------
    InputError
        Fewer than two of the cases were measured again, or no feature is stable.
    """
    names = [name for name in own if name in repeated]
    rows = repeated[repeated["lesion_id"].isin(set(cases) & set(own.index))]
    counts = rows["lesion_id"].value_counts()
    usual = int(counts.mode().max()) if len(counts) else 0
    ids = [case for case in own.index if counts.get(case, 0) >= usual > 0]
    if len(ids) < 2:
        raise InputError(
            f"{len(ids)} of {len(set(cases))} training cases were measured again, two are needed",
            where=where,
            fix="measure more cases again, or set features.min_icc: null",
        )
    place = rows.groupby("lesion_id").cumcount()
    measured = [own.loc[ids, names]]
    measured += [rows[place == draw].set_index("lesion_id").loc[ids, names] for draw in range(usual)]
    found = _agreement(np.stack([part.to_numpy(dtype=float) for part in measured], axis=1))
    table = pd.DataFrame({"feature": names, "icc": found.icc, "low": found.low, "high": found.high})
    table["stable"] = table["low"] >= min_icc
    if names and not table["stable"].any():
        raise InputError(
            f"no feature's ICC reaches {min_icc:g} with its lower limit; the best is {np.nanmax(table['low']):.3f}",
            where=where,
            fix="measure more cases again, or take a smaller features.min_icc",
        )
    return table


def unstable(judged: pd.DataFrame) -> list[str]:
    """Return the features of a table of :func:`judge_stability` that are not stable."""
    return judged.loc[~judged["stable"], "feature"].tolist()


def _agreement(values: np.ndarray) -> Intraclass:
    """Return the agreement of (cases, measurements, features), each feature over the cases that have a value."""
    cases, _, features = values.shape
    there = ~np.isnan(values).all(axis=1)
    limits = np.full((3, features), np.nan)
    for pattern in np.unique(there, axis=1).T if cases else ():
        if pattern.sum() >= 2:
            own = (there == pattern[:, None]).all(axis=0)
            limits[:, own] = intraclass(values[pattern][:, :, own])
    return Intraclass(*limits)


def _is(path: str | Path) -> bool:
    return Path(path).is_file()

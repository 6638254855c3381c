"""Which features survive another reader's contours: measured again on perturbed regions, judged by their ICC."""

from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from radprompt.core.errors import InputError
from radprompt.core.outputs import atomic_group, write_csv
from radprompt.core.params import Compute
from radprompt.evaluation.stability import judge_stability, unstable
from radprompt.images.cases import Case, Excluded
from radprompt.images.checking import check_engine
from radprompt.images.measuring import measure
from radprompt.images.perturbing import Perturbation, perturbed
from radprompt.images.records import Record, measure_each
from radprompt.images.settings import Settings
from radprompt.images.study import CHECKED, Study, read_case
from radprompt.own_table.programs import spoken_names

ROBUSTNESS, STABLE, REPEATED, PERTURBED = "robustness.csv", "stable_features.csv", "repeated.csv", "perturbed"


class Robustness(NamedTuple):
    """ICC with its interval, a row a feature; the stable features' table; cases that could not be measured again."""

    table: pd.DataFrame
    features: pd.DataFrame
    excluded: list[Excluded]


def run_robustness(
    study: Study,
    settings: Settings,
    out: Path,
    compute: Compute,
    *,
    draws: int,
    seed: int,
    min_icc: float,
    how: Perturbation | None = None,
) -> Robustness:
    """Measure a study's cases on perturbed contours; write what was measured and how it agrees.

    Each case gives ``draws`` + 1 measurements: on its own contour and on the perturbed ones, which ``repeated.csv``
    holds. ``robustness.csv`` has feature, spoken name, ICC(1,1), the limits of its 95 % interval, and whether it is
    stable: its lower limit reaches ``min_icc``. ``stable_features.csv`` is the features table without the others. No
    label is used; finished cases are not measured again.

    Parameters
    ----------
    study
        What :func:`radprompt.images.study.run_study` returned.
    settings, out, compute
        As for the study.
    draws, seed
        Perturbed contours a case; with the case's name the seed fixes them.
    min_icc
        Smallest lower limit of a stable feature.
    how
        How far contours are moved.

    Raises
    ------
    InputError
        Fewer than two cases can be measured again, no feature is stable, or the fast engine differs from PyRadiomics.
    """
    how = how or Perturbation()
    work = partial(measure_again, settings=settings, draws=draws, seed=seed, how=how)
    depends_on = [settings.digest, draws, seed, how.as_dict()]
    outcome = measure_each(study.cases, work, depends_on, out / PERTURBED, compute, "perturbed contours")
    if settings.engine == "fast":
        again = partial(measure_again, draws=draws, seed=seed, how=how)
        check_engine(study.cases, outcome, again, settings, out / CHECKED / PERTURBED, compute, depends_on[1:])
    if len(outcome.records) < 2:
        reason = f"; the first: {outcome.excluded[0].case}: {outcome.excluded[0].reason}" if outcome.excluded else ""
        raise InputError(
            f"{len(outcome.records)} cases are measured on perturbed contours, two are needed{reason}",
            where=str(out),
            fix="leave --perturb out, or give larger regions",
        )
    names = list(outcome.records[0][1]["features"])
    repeated = pd.concat(
        [pd.DataFrame(record["features"], dtype=float).assign(lesion_id=case.case) for case, record in outcome.records]
    )
    own = study.features.set_index("case")
    table = judge_stability(own[names], repeated, set(repeated["lesion_id"]), min_icc, str(out / REPEATED))
    spoken = spoken_names(names)
    table.insert(1, "name", [spoken.get(name, name) for name in names])
    features = study.features.drop(columns=unstable(table))
    repeated.insert(0, "case", repeated.pop("lesion_id"))
    with atomic_group(out / ROBUSTNESS, out / STABLE, out / REPEATED) as parts:
        for part, written in zip(parts, (table, features, repeated), strict=True):
            write_csv(part, written)
    return Robustness(table, features, outcome.excluded)


def measure_again(case: Case, settings: Settings, draws: int, seed: int, how: Perturbation) -> Record:
    """Return the features of a case on each perturbed contour: lists of ``draws`` values by name."""
    volume, region = read_case(case, settings)
    measured = [
        measure(volume.image, perturbed(region.mask, case.case, draw, seed, how), settings) for draw in range(draws)
    ]
    return {
        "features": {
            name: [value if np.isfinite(value) else None for value in (found[name] for found in measured)]
            for name in measured[0]
        }
    }

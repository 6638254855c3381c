"""The fast engine against PyRadiomics itself, on a sample of every run."""

import hashlib
import math
from collections.abc import Mapping, Sequence

from radprompt.core.errors import InputError

SHARE = 0.02
"""Share of a run's cases that PyRadiomics measures as well; at least one case."""
_RELATIVE, _ABSOLUTE = 1e-9, 1e-12
_LISTED = 5


def sample(cases: Sequence[str], seed: int = 0) -> list[str]:
    """Return the cases that are measured by both engines: the first :data:`SHARE` by digest of seed and name.

    A case is chosen or not whatever the order of the others.
    """
    count = math.ceil(SHARE * len(cases))
    return sorted(cases, key=lambda case: hashlib.sha256(f"{seed}:{case}".encode()).digest())[:count]


def require_equal(fast: Mapping[str, "Outcome"], plain: Mapping[str, "Outcome"]) -> None:
    """Raise an InputError that names feature, case and both values wherever two engines differ.

    Parameters
    ----------
    fast, plain
        By case: features by name, where NaN and None stand for an undefined value; or the reason why the case has none.
    """
    faults = [fault for case in plain for fault in _differences(case, fast[case], plain[case])]
    if not faults:
        return
    more = f"; and {len(faults) - _LISTED} more" if len(faults) > _LISTED else ""
    raise InputError(
        f"the fast engine differs from PyRadiomics: {'; '.join(faults[:_LISTED])}{more}",
        where="radiomics engine",
        fix="measure with the engine pyradiomics, and report the case",
    )


Outcome = Mapping[str, float | None] | str


def _differences(case: str, fast: Outcome, plain: Outcome) -> list[str]:
    if isinstance(fast, str) or isinstance(plain, str):
        if isinstance(fast, str) and isinstance(plain, str):
            return []
        return [f"{case}: {_told(fast)} by fast, {_told(plain)} by PyRadiomics"]
    if list(fast) != list(plain):
        names = sorted(set(fast) ^ set(plain)) or ["the order of the features"]
        return [f"{case}: {', '.join(names[:_LISTED])} by one engine only"]
    return [
        f"{name} of {case}: {fast[name]!r} by fast, {value!r} by PyRadiomics"
        for name, value in plain.items()
        if not _equal(fast[name], value)
    ]


def _equal(one: float | None, other: float | None) -> bool:
    if one is None or other is None or math.isnan(one) or math.isnan(other):
        return (one is None or math.isnan(one)) and (other is None or math.isnan(other))
    return math.isclose(one, other, rel_tol=_RELATIVE, abs_tol=_ABSOLUTE)


def _told(outcome: Outcome) -> str:
    return f"no features ({outcome})" if isinstance(outcome, str) else f"{len(outcome)} features"

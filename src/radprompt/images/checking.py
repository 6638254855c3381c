"""A sample of a study's cases measured by PyRadiomics itself, where the fast engine measures them all."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from radprompt.core.params import Compute
from radprompt.images.cases import Case, Excluded
from radprompt.images.records import Outcome, Record, measure_each
from radprompt.images.settings import Settings
from radprompt.radiomics_engine.checking import require_equal, sample


def check_engine(
    cases: Sequence[Case],
    outcome: Outcome,
    work: Callable[..., Record],
    settings: Settings,
    folder: Path,
    compute: Compute,
    depends_on: Sequence[object] = (),
) -> None:
    """Measure a sample of the cases by PyRadiomics and compare; records are kept, so that a restart does not repeat it.

    Parameters
    ----------
    cases, outcome
        What was measured by the fast engine, and what became of it.
    work
        Measures a case with ``settings``.
    settings
        Settings of the run, with the fast engine.
    folder
        Where the records of PyRadiomics are kept.
    compute
        How the cases are spread over processes.
    depends_on
        What records depend on beside the settings.

    Raises
    ------
    InputError
        The engines differ; it names feature, case and both values.
    """
    chosen = set(sample([case.case for case in cases]))
    plain = replace(settings, engine="pyradiomics")
    again = measure_each(
        [case for case in cases if case.case in chosen],
        partial(work, settings=plain),
        [plain.digest, *depends_on],
        folder,
        compute,
        "by PyRadiomics too",
    )
    require_equal(_by_case(outcome), _by_case(again))


def _by_case(outcome: Outcome) -> dict[str, dict[str, float | None] | str]:
    """Return by case its features, a number each, or the reason why it has none."""
    excluded: list[Excluded] = outcome.excluded
    return {one.case: one.reason for one in excluded} | {
        case.case: dict(pair for feature, found in record["features"].items() for pair in _each(feature, found))
        for case, record in outcome.records
    }


def _each(feature: str, found: float | list[float | None] | None) -> list[tuple[str, float | None]]:
    """Return name and value of a feature; of one on several contours, a name and value for each."""
    if isinstance(found, list):
        return [(f"{feature} on perturbed contour {number}", value) for number, value in enumerate(found)]
    return [(feature, found)]

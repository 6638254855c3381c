"""From a table of cases to a table of features, with quality table and contact sheets."""

import base64
import math
import os
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from radprompt.core.errors import InputError
from radprompt.core.outputs import atomic_group, require_writable, write_csv, write_json
from radprompt.core.params import Compute
from radprompt.images.cases import Case, Excluded, read_cases
from radprompt.images.checking import check_engine
from radprompt.images.contact_sheets import draw_tile, write_contact_sheets
from radprompt.images.corrections import take_corrections
from radprompt.images.masks import Region, read_region
from radprompt.images.measuring import measure
from radprompt.images.quality import examine
from radprompt.images.reading import read_image
from radprompt.images.records import Record, measure_each, versions
from radprompt.images.settings import Settings
from radprompt.images.volumes import Volume
from radprompt.mammograms.imaging.mask_measures import mask_digest
from radprompt.own_table.programs import spoken_names

FEATURES, EXCLUSIONS, QUALITY, NAMES = "features.csv", "exclusions.csv", "quality.csv", "names.csv"
CASES = "cases.csv"
SETTINGS, SHEETS, FINISHED, CHECKED = "settings.json", "contact_sheets", "finished", "checked"
_QUALITY = [
    *("case", "size", "spacing_mm", "voxels", "slices", "volume_mm3", "area_mm2"),
    *("components", "grey_min", "grey_max", "flags"),
]
Measured = tuple[Case, Record]


class Study(NamedTuple):
    """What was done: measured cases, their features, exclusions, cases taken over from an earlier run, and remarks."""

    cases: list[Case]
    features: pd.DataFrame
    excluded: list[Excluded]
    taken_over: int
    notes: list[str]


def run_study(table: Path, settings: Settings, out: Path, compute: Compute) -> Study:
    """Measure the cases of a table and write the study's folder.

    Written are ``features.csv`` (case, patient, site, label as far as given, then features by PyRadiomics' names),
    ``exclusions.csv`` (row, case, reason, fix), ``quality.csv``, ``names.csv`` (feature, spoken name),
    ``settings.json``, ``cases.csv`` (which image and mask each case has, relative to the folder) and
    ``contact_sheets/``. Masks that readers corrected (``review/``) take the place of the table's. ``finished/`` keeps
    each measured case until its files, settings or the versions of PyRadiomics, SimpleITK and NumPy change: a restart
    measures only the rest.

    Parameters
    ----------
    table
        See :func:`radprompt.images.cases.read_cases`.
    settings
        What to measure.
    out
        Folder, made if absent.
    compute
        How the cases are spread over processes.

    Raises
    ------
    InputError
        The table cannot be read, the folder not written, not one case can be measured, or the fast engine differs from
        PyRadiomics.
    """
    require_writable(out)
    read = read_cases(table)
    reviewed = take_corrections(read.cases, out, partial(_own_mask, settings=settings))
    work = partial(measure_case, settings=settings)
    outcome = measure_each(reviewed.cases, work, [settings.digest], out / FINISHED, compute, "measuring")
    if settings.engine == "fast":
        check_engine(reviewed.cases, outcome, measure_case, settings, out / CHECKED, compute)
    done, unlike = _of_one_kind(outcome.records)
    excluded = sorted([*read.excluded, *reviewed.excluded, *outcome.excluded, *unlike], key=lambda one: one.row)
    if not done:
        write_csv(out / EXCLUSIONS, _listed(excluded))
        first = excluded[0]
        raise InputError(
            f"not one of {len(excluded)} cases can be measured; the first: {first.case}: {first.reason}",
            where=str(table),
            fix=first.fix or f"see {out / EXCLUSIONS}",
        )
    features = _features(done)
    _write(out, features, excluded, done, settings, read.cases)
    cases = [case for case, _ in done]
    return Study(cases, features, excluded, outcome.taken_over, [*read.notes, *reviewed.notes, *settings.notes])


def read_case(case: Case, settings: Settings) -> tuple[Volume, Region]:
    """Read the image of a case and its region on the image's grid; an ImageError says what is wrong with either."""
    import SimpleITK

    # Sums over an image depend in their last digits on the number of threads.
    SimpleITK.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    SimpleITK.ProcessObject.SetGlobalWarningDisplay(False)  # what matters of a file is checked here
    volume = read_image(case.image, case.spacing, mammogram=settings.mammogram)
    return volume, read_region(case.mask, case.mask_label, volume, value=str(settings.setting.get("label", "")))


def _own_mask(case: Case, settings: Settings) -> str:
    """Return the digest of a case's own mask; '' where image or mask cannot be read."""
    import SimpleITK

    try:
        _, region = read_case(case, settings)
    except InputError:
        return ""
    return mask_digest(SimpleITK.GetArrayFromImage(region.mask))


def measure_case(case: Case, settings: Settings) -> Record:
    """Return what a study keeps of a case: features (None where undefined), its row of quality, its tile as base64."""
    volume, region = read_case(case, settings)
    quality = examine(volume.image, region.mask, (*volume.notes, *region.notes))
    values = measure(volume.image, region.mask, settings)
    features = {name: value if math.isfinite(value) else None for name, value in values.items()}
    if lacking := sum(value is None for value in features.values()):
        quality["flags"] = "; ".join(filter(None, [quality["flags"], f"{lacking} features undefined"]))
    flags = quality["flags"]
    words = flags or f"{quality['voxels']} voxels"
    tile = draw_tile(volume.image, region.mask, case.case, words, flagged=bool(flags))
    return {"features": features, "quality": quality, "tile": base64.b64encode(tile).decode("ascii")}


def _of_one_kind(done: list[Measured]) -> tuple[list[Measured], list[Excluded]]:
    """Keep the cases with the columns that most have: planar cases and volumes do not fit into one table."""
    kinds = Counter(tuple(record["features"]) for _, record in done)
    if len(kinds) < 2:
        return done, []
    usual, times = kinds.most_common(1)[0]
    kept, unlike = [], []
    for case, record in done:
        if tuple(record["features"]) == usual:
            kept.append((case, record))
            continue
        columns = set(record["features"])
        differs = sorted(columns ^ set(usual))
        what = "planar" if any("shape2D" in name for name in columns) else "a volume"
        reason = f"{len(columns)} features where {times} other cases have {len(usual)} ({what}; {differs[0]} differs)"
        fix = "give planar images and volumes tables of their own"
        unlike.append(Excluded(case.row, case.case, reason, fix))
    return kept, unlike


def _features(done: Sequence[Measured]) -> pd.DataFrame:
    rows = [{"case": case.case} | dict(case.about) | record["features"] for case, record in done]
    return pd.DataFrame(rows)


def _write(
    out: Path,
    features: pd.DataFrame,
    excluded: list[Excluded],
    done: Sequence[Measured],
    settings: Settings,
    cases: Sequence[Case],
) -> None:
    columns = list(done[0][1]["features"])
    spoken = spoken_names(columns)
    names = pd.DataFrame({"feature": columns, "name": [spoken.get(name, name) for name in columns]})
    quality = pd.DataFrame([{"case": case.case} | record["quality"] for case, record in done], columns=_QUALITY)
    write_contact_sheets([base64.b64decode(record["tile"]) for _, record in done], out / SHEETS)
    tables = {
        FEATURES: features,
        EXCLUSIONS: _listed(excluded),
        QUALITY: quality.dropna(axis=1, how="all"),
        NAMES: names,
        CASES: _files_of(cases, out),
    }
    with atomic_group(*(out / name for name in (*tables, SETTINGS))) as parts:
        for part, table in zip(parts, tables.values(), strict=False):
            write_csv(part, table)
        write_json(parts[-1], settings.as_params() | {"versions": versions()})


def _listed(excluded: list[Excluded]) -> pd.DataFrame:
    return pd.DataFrame(excluded, columns=list(Excluded.__dataclass_fields__))


def _files_of(cases: Sequence[Case], out: Path) -> pd.DataFrame:
    """Return a table of cases that :func:`read_cases` takes, its paths relative to the study's folder."""
    rows = [
        {
            "case": case.case,
            "image": Path(os.path.relpath(case.image, out)).as_posix(),
            "mask": Path(os.path.relpath(case.mask, out)).as_posix(),
            "mask_label": case.mask_label,
            "spacing": case.spacing,
        }
        for case in cases
    ]
    return pd.DataFrame(rows)

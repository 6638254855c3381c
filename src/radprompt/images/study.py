"""From a table of cases to a table of features: each case by itself, none stopping the others."""

import base64
import hashlib
import json
import logging
import os
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
from joblib.externals.loky import get_reusable_executor
from joblib.externals.loky.process_executor import TerminatedWorkerError

from radprompt.core.compute import parallel_map
from radprompt.core.errors import InputError
from radprompt.core.outputs import atomic_group, require_writable, write_csv, write_json
from radprompt.core.params import Compute
from radprompt.images.cases import Case, Excluded, read_cases
from radprompt.images.contact_sheets import draw_tile, write_contact_sheets
from radprompt.images.masks import read_region
from radprompt.images.measuring import measure
from radprompt.images.quality import examine
from radprompt.images.reading import read_image
from radprompt.images.settings import Settings
from radprompt.own_table.programs import spoken_names

FEATURES, EXCLUSIONS, QUALITY, NAMES = "features.csv", "exclusions.csv", "quality.csv", "names.csv"
SETTINGS, SHEETS, FINISHED = "settings.json", "contact_sheets", "finished"
_QUALITY = [
    *("case", "size", "spacing_mm", "voxels", "slices", "volume_mm3", "area_mm2"),
    *("components", "grey_min", "grey_max", "flags"),
]
_EDITION = 1
"""Raised when what a finished case holds changes."""


class Study(NamedTuple):
    """What was done: the features table, exclusions, cases taken over from an earlier run, and remarks."""

    features: pd.DataFrame
    excluded: list[Excluded]
    taken_over: int
    notes: list[str]


class _Task(NamedTuple):
    """A case, and where its finished record goes."""

    case: Case
    record: Path


def run_study(table: Path, settings: Settings, out: Path, compute: Compute) -> Study:
    """Measure the cases of a table and write the study's folder.

    Written are ``features.csv`` (case, patient, site, label as far as given, then features by PyRadiomics' names),
    ``exclusions.csv`` (row, case, reason, fix), ``quality.csv``, ``names.csv`` (feature, spoken name),
    ``settings.json`` and ``contact_sheets/``. ``finished/`` keeps each measured case until its files, settings or the
    versions of PyRadiomics, SimpleITK and NumPy change: a restart measures only the rest.

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
        The table cannot be read, the folder not written, or not one case can be measured.
    """
    require_writable(out)
    read = read_cases(table)
    tasks = [_Task(case, out / FINISHED / f"{_key(case, settings)}.json") for case in read.cases]
    finished = {task.record: record for task in tasks if (record := _load(task.record)) is not None}
    left = [task for task in tasks if task.record not in finished]
    excluded = list(read.excluded)
    outcomes = _each(left, settings, compute)
    for task, outcome in zip(left, outcomes, strict=True):
        if isinstance(outcome, Excluded):
            excluded.append(outcome)
        else:
            finished[task.record] = outcome
    done = [(task, finished[task.record]) for task in tasks if task.record in finished]
    _forget(out / FINISHED, finished)
    done, unlike = _of_one_kind(done)
    excluded = sorted([*excluded, *unlike], key=lambda one: one.row)
    if not done:
        write_csv(out / EXCLUSIONS, _listed(excluded))
        first = excluded[0]
        raise InputError(
            f"not one of {len(excluded)} cases can be measured; the first: {first.case}: {first.reason}",
            where=str(table),
            fix=first.fix or f"see {out / EXCLUSIONS}",
        )
    features = _features(done)
    _write(out, features, excluded, done, settings)
    return Study(features, excluded, len(tasks) - len(left), [*read.notes, *settings.notes])


def _each(tasks: list[_Task], settings: Settings, compute: Compute) -> list[dict[str, Any] | Excluded]:
    """Measure the cases in parallel; if one ends its worker, the rest one by one, each in a process of its own."""
    try:
        return parallel_map(finish, tasks, compute, "measuring", unit="case", settings=settings)
    except TerminatedWorkerError:
        return [_load(task.record) or apart(finish, task, settings) for task in tasks]


def apart(
    function: Callable[..., dict[str, Any] | Excluded], task: _Task, settings: Settings
) -> dict[str, Any] | Excluded:
    """Measure one case in a process of its own; if that dies, the case is an exclusion."""
    executor = get_reusable_executor(max_workers=1, kill_workers=True)
    try:
        return executor.submit(function, task, settings).result()
    except TerminatedWorkerError:
        reason = "the process that measured it died, mostly for want of memory"
        return Excluded(task.case.row, task.case.case, reason, "cut the image to the region, or use a larger machine")


def finish(task: _Task, settings: Settings) -> dict[str, Any] | Excluded:
    """Measure one case and keep its record; whatever is wrong with it is an exclusion with the reason."""
    case = task.case
    try:
        record = _measured(case, settings)
    except InputError as error:
        return Excluded(case.row, case.case, f"{error.where}: {error.what}" if error.where else error.what, error.fix)
    except MemoryError:
        return Excluded(case.row, case.case, "not enough memory for this image", "measure with fewer --workers")
    except Exception as error:  # a library's own fault with one file must not end the other cases
        logging.getLogger(__name__).debug("case %s", case.case, exc_info=True)
        said = " ".join(str(error).split())[:200]
        return Excluded(case.row, case.case, f"{type(error).__name__}: {said}", "check image and mask")
    write_json(task.record, record)
    return record


def _measured(case: Case, settings: Settings) -> dict[str, Any]:
    import SimpleITK

    # Sums over an image depend in their last digits on the number of threads.
    SimpleITK.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    volume = read_image(case.image, case.spacing, mammogram=settings.mammogram)
    label = case.mask_label or str(settings.setting.get("label", ""))
    region = read_region(case.mask, label, volume)
    quality = examine(volume.image, region.mask, (*volume.notes, *region.notes))
    values = measure(volume.image, region.mask, settings)
    if lacking := [name for name, value in values.items() if not pd.notna(value) or abs(value) == float("inf")]:
        quality["flags"] = "; ".join(filter(None, [quality["flags"], f"{len(lacking)} features undefined"]))
    tile = draw_tile(
        volume.image,
        region.mask,
        case.case,
        quality["flags"] or f"{quality['voxels']} voxels",
        flagged=bool(quality["flags"]),
    )
    return {
        "features": {name: None if name in lacking else value for name, value in values.items()},
        "quality": quality,
        "tile": base64.b64encode(tile).decode("ascii"),
    }


def _key(case: Case, settings: Settings) -> str:
    """Name the record of a case by all that its content depends on."""
    packages = [f"{name} {version(name)}" for name in ("pyradiomics", "SimpleITK", "numpy")]
    files = [_stamp(case.image), _stamp(case.mask)]
    said = [_EDITION, case.case, case.mask_label, case.spacing, settings.digest, packages, files]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:32]


def _stamp(path: Path) -> list[Any]:
    """Return name, size and time of a file, or of the files of a folder."""
    try:
        found = sorted(path.iterdir()) if path.is_dir() else [path]
        stats = [(one.name, one.stat()) for one in found]
    except OSError:
        return [os.fspath(path)]
    return [os.fspath(path.absolute()), [(name, stat.st_size, stat.st_mtime_ns) for name, stat in stats]]


def _load(path: Path) -> dict[str, Any] | None:
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return record if isinstance(record, dict) and set(record) == {"features", "quality", "tile"} else None


def _forget(folder: Path, records: Collection[Path]) -> None:
    """Delete records of files or settings that the table no longer has."""
    for path in folder.glob("*.json"):
        if path not in records:
            path.unlink(missing_ok=True)


def _of_one_kind(done: list[tuple[_Task, dict[str, Any]]]) -> tuple[list[tuple[_Task, dict[str, Any]]], list[Excluded]]:
    """Keep the cases with the columns that most have: planar cases and volumes do not fit into one table."""
    kinds = Counter(tuple(record["features"]) for _, record in done)
    if len(kinds) < 2:
        return done, []
    usual, times = kinds.most_common(1)[0]
    kept, unlike = [], []
    for task, record in done:
        if tuple(record["features"]) == usual:
            kept.append((task, record))
            continue
        own = set(record["features"])
        differs = sorted(own ^ set(usual))
        what = "planar" if any("shape2D" in name for name in own) else "a volume"
        reason = f"{len(own)} features where {times} other cases have {len(usual)} ({what}; {differs[0]} differs)"
        fix = "give planar images and volumes tables of their own"
        unlike.append(Excluded(task.case.row, task.case.case, reason, fix))
    return kept, unlike


def _features(done: Sequence[tuple[_Task, dict[str, Any]]]) -> pd.DataFrame:
    rows = [{"case": task.case.case} | dict(task.case.about) | record["features"] for task, record in done]
    return pd.DataFrame(rows)


def _write(
    out: Path,
    features: pd.DataFrame,
    excluded: list[Excluded],
    done: Sequence[tuple[_Task, dict[str, Any]]],
    settings: Settings,
) -> None:
    columns = list(done[0][1]["features"])
    spoken = spoken_names(columns)
    names = pd.DataFrame({"feature": columns, "name": [spoken.get(name, name) for name in columns]})
    quality = pd.DataFrame([{"case": task.case.case} | record["quality"] for task, record in done], columns=_QUALITY)
    write_contact_sheets([base64.b64decode(record["tile"]) for _, record in done], out / SHEETS)
    tables = {
        FEATURES: features,
        EXCLUSIONS: _listed(excluded),
        QUALITY: quality.dropna(axis=1, how="all"),
        NAMES: names,
    }
    with atomic_group(*(out / name for name in (*tables, SETTINGS))) as parts:
        for part, table in zip(parts, tables.values(), strict=False):
            write_csv(part, table)
        write_json(parts[-1], settings.as_params())


def _listed(excluded: list[Excluded]) -> pd.DataFrame:
    return pd.DataFrame(excluded, columns=list(Excluded.__dataclass_fields__))

"""The section on data: how many records came, what was left out and why, and what each split holds."""

from collections import Counter
from pathlib import PurePosixPath
from typing import Any

import pandas as pd

from radprompt.core.errors import InputError
from radprompt.mammograms.wording import FLOW
from radprompt.pages.report.reader import Reader
from radprompt.study.settings import Settings
from radprompt.tables.lesions import MALIGNANT, SPLITS, read_lesions

_EXCLUDED = "excluded: "


def cohorts(reader: Reader, settings: Settings) -> list[dict[str, Any]]:
    """Describe each data set from its flow, exclusion and lesion tables.

    Returns
    -------
    list of dict
        For each of ``settings.data_sets``: ``key``, ``name``, ``steps`` (see :func:`flow`, empty without a
        flow file), ``exclusions`` (source, reason, records), ``not_measured`` (the same for features, None where no
        features are extracted) and ``splits`` (see :func:`describe`).
    """
    found = []
    for key, names in settings.data_sets.items():
        lesions = lesion_table(reader, key)
        counts = reader.json(f"data/lesions/{key}_flow.json")
        found.append(
            {
                "key": key,
                "name": names.title,
                "steps": flow(counts, where=f"data/lesions/{key}_flow.json") if counts else [],
                "exclusions": _reasons(reader, f"data/lesions/{key}_exclusions.csv"),
                "not_measured": _reasons(reader, f"data/features/{key}_exclusions.csv"),
                "splits": [] if lesions is None else describe(lesions),
            }
        )
    return found


def lesion_table(reader: Reader, dataset: str) -> pd.DataFrame | None:
    """Return a data set's lesion table, or None where there is none."""
    path = f"data/lesions/{dataset}.csv"
    return None if reader.content(path) is None else read_lesions(reader.root / path)


def flow(counts: dict[str, Any], where: str = "") -> list[dict[str, Any]]:
    """Turn a flow file's counts into boxes: what remains, and what left on the way to the next.

    Parameters
    ----------
    counts
        In order: ``rows``, then ``excluded: <reason>`` before the count that remains; ``splits`` by name.
    where
        File named in an error.

    Returns
    -------
    list of dict
        ``label``, ``count`` and ``left`` (reason and count, of those who go before the next box).

    Raises
    ------
    InputError
        The counts do not add up.
    """
    steps: list[dict[str, Any]] = []
    for key, value in counts.items():
        if key == "splits":
            continue
        if key.startswith(_EXCLUDED):
            if not steps:
                raise InputError(f"{key!r} stands before any count", where=where, fix="run `dvc repro lesions` again")
            steps[-1]["left"].append((key.removeprefix(_EXCLUDED), value))
            continue
        if steps and value != (remain := steps[-1]["count"] - sum(n for _, n in steps[-1]["left"])):
            raise InputError(f"{key} is {value}, but {remain} remain", where=where, fix="run `dvc repro lesions` again")
        steps.append({"label": FLOW.get(key, key), "count": value, "left": []})
    return steps


def describe(lesions: pd.DataFrame) -> list[dict[str, Any]]:
    """Describe each split of a lesion table.

    Returns
    -------
    list of dict
        ``split``, ``patients``, ``lesions``, ``benign`` and ``malignant``.
    """
    rows = []
    for split in SPLITS:
        own = lesions[lesions["split"] == split]
        if own.empty:
            continue
        malignant = int((own["label"] == MALIGNANT).sum())
        rows.append(
            {
                "split": split,
                "patients": own["patient_id"].nunique(),
                "lesions": len(own),
                "benign": len(own) - malignant,
                "malignant": malignant,
            }
        )
    return rows


def _reasons(reader: Reader, path: str) -> list[tuple[str, str, int]] | None:
    table = reader.table(path, ("source", "reason"))
    if table is None:
        return None
    # What follows the colon names the record, and would make every row a reason of its own.
    reasons = table["reason"].astype(str).str.split(": ").str[0]
    sources = [source if "/" not in source else f"{PurePosixPath(source).parent}/" for source in table["source"]]
    counted = Counter(zip(sources, reasons, strict=True))
    return [(source, reason, counted[source, reason]) for source, reason in sorted(counted)]

"""What the check hands on: a study's features, cohorts and protocols, and what the columns are, as files."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
from ruamel.yaml import YAML

from radprompt.core.errors import InputError
from radprompt.core.outputs import atomic_folder, write_csv, write_json
from radprompt.evaluation.stability import REPEATED
from radprompt.own_table.checking import Checked
from radprompt.own_table.encoding import COLUMNS
from radprompt.own_table.partitions import DATASET, Study
from radprompt.tables.cohort import write_cohort

CASES, FEATURES, COHORTS = "data/cases.csv", f"data/features/{DATASET}.csv", "data/cohorts"
FLOW = "metrics/table.json"
SETTINGS = "settings.yaml"
_FIX = "run `dvc repro`, or `dvc pull`"


def write_study(checked: Checked, study: Study, repeated: pd.DataFrame | None = None) -> None:
    """Write cases, features, cohorts, columns, counts and repeated measurements below the working directory."""
    write_csv(CASES, checked.about.rename(columns={"case": "lesion_id", "patient": "patient_id"}))
    features = checked.features.copy()
    features.insert(0, "lesion_id", checked.about["case"])
    write_csv(FEATURES, features)
    write_csv(REPEATED, pd.DataFrame(columns=["lesion_id"]) if repeated is None else repeated)
    with atomic_folder(COHORTS) as folder:
        for name, cohort in study.cohorts.items():
            write_cohort(folder / f"{name}.csv", cohort)
    content: dict[str, Any] = {
        "classes": list(checked.classes),
        "sites": checked.sites,
        "columns": [column._asdict() for column in checked.columns],
        "left_out": checked.left_out,
        "exclusions": [exclusion._asdict() for exclusion in checked.exclusions],
        "notes": [*checked.notes, *study.notes],
    }
    write_json(COLUMNS, content)
    write_json(FLOW, checked.flow)


def read_settings_file(folder: Path) -> Any:
    """Return the content of a folder's ``settings.yaml``, None where there is none."""
    path = folder / SETTINGS
    return YAML(typ="safe").load(path.read_text(encoding="utf-8")) if path.is_file() else None


def read_json(path: Path) -> Any:
    """Read a JSON file that a stage wrote; an absent one is an :class:`InputError`."""
    if not path.is_file():
        raise InputError("no such file", where=str(path), fix=_FIX)
    return json.loads(path.read_text(encoding="utf-8"))

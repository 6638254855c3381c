"""A working directory with everything that the baselines' stages read: few lesions, three halves, small models."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from ruamel.yaml import YAML

from radprompt.core.outputs import write_csv
from radprompt.selection.record import Selection
from radprompt.study.settings import Settings
from radprompt.tables.cohort import COLUMNS, ROLES, ROWS, write_cohort
from radprompt.tables.feature_names import CATALOGUE, FEATURES

ROOT = Path(__file__).parents[3]
REPEATS = 3
SIZES = {"train": 20, "val": 8, "test": 8}


def _measured(dataset: str, seed: int) -> pd.DataFrame:
    """Lesions by id with random values; the first nine features tell the classes apart."""
    count = sum(SIZES.values())
    labels = np.arange(count) % 2
    values = np.random.default_rng(seed).normal(size=(count, len(FEATURES)))
    values[:, :9] += labels[:, None]
    lesions = [f"{dataset[:2]}{number:02d}" for number in range(count)]
    known = pd.DataFrame({"lesion_id": lesions, "patient_id": [f"p{lesion}" for lesion in lesions], "label": labels})
    known = known.assign(study_id=lesions, image_path="i", dataset=dataset)
    return pd.concat([known, pd.DataFrame(values, columns=list(FEATURES))], axis=1)


def _halved(table: pd.DataFrame, repeat: int) -> pd.DataFrame:
    """Give each lesion a role, in each repeat another."""
    roles = np.roll([role for role in ROLES for _ in range(SIZES[role])], 6 * repeat)
    return table.assign(repeat=repeat, split=roles).sort_values("lesion_id")


def _selection(first: int, table: pd.DataFrame) -> Selection:
    chosen = CATALOGUE[first : first + 3]
    keys, names = tuple(feature.key for feature in chosen), tuple(feature.name for feature in chosen)
    return Selection(keys, names, "mrmr", "MIQ", 5, tuple(table.loc[table["split"] == "train", "lesion_id"]))


@pytest.fixture
def tables(configured: Path, settings: Settings) -> dict[str, pd.DataFrame]:
    """Standardised rows of every setting, as the stages find them in the working directory."""
    first = _measured("vindr_mammo", 0).assign(repeat=0, split=[role for role in ROLES for _ in range(SIZES[role])])
    halves = [_halved(_measured("inbreast", 1), repeat) for repeat in range(REPEATS)]
    site = pd.concat(halves)
    seen = pd.concat([first[first["split"] != "test"].assign(repeat=repeat) for repeat in range(REPEATS)])
    unadapted = pd.concat([seen, site[site["split"] == "test"]]).sort_values("repeat", kind="stable")
    start = seen[seen["repeat"] == 0].replace({"split": {"train": "start", "val": "start_val"}})
    found = {}
    for name, setting in settings.items():
        table = {"vindr": first, "inbreast_unadapted": unadapted}.get(name, site)
        if setting.continues:
            table = pd.concat([table, start])
        write_cohort(f"data/cohorts/{name}.csv", table[COLUMNS])
        found[name] = table[[*ROWS, *FEATURES]].reset_index(drop=True)
        write_csv(f"data/standardised/{name}.csv", found[name])
        for repeat in setting.repeats(REPEATS):
            chosen = _selection(0, first) if setting.selection == "vindr" else _selection(2 + repeat, halves[repeat])
            chosen.save(setting.selection_file(repeat))
        if setting.continues:
            _selection(0, first).save(setting.selection_file("start"))
    set_params()
    return found


def set_params(**changes: Any) -> None:
    """Write ``params.yaml`` with models small enough for a test, and these changes to the section ``baselines``."""
    content = YAML(typ="safe").load(ROOT / "params.yaml")
    content["compute"]["workers"] = 1
    content["adaptation"]["repeats"] = {"llm": 2, "baselines": REPEATS}
    small = {
        "random_forest": {"trees": 5},
        "gradient_boosting": {"trees": 5, "learning_rate": 0.1, "depth": 3},
        "xgboost": {"trees": 5, "learning_rate": 0.3, "depth": 3},
        "mlp": {"units": 8, "epochs": 10},
        "svm": {"C": 1.0, "folds": 2},
        "transtab": {"epochs": 2, "batch_size": 16, "learning_rate": 0.001},
    }
    content["baselines"] |= small | changes
    YAML().dump(content, Path("params.yaml"))


@pytest.fixture
def change_params() -> Callable[..., None]:
    """Change the section ``baselines`` of ``params.yaml`` in the working directory."""
    return set_params

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
from radprompt.study.settings import SETTINGS
from radprompt.tables.cohort import ROLES
from radprompt.tables.feature_names import CATALOGUE, FEATURES
from radprompt.tables.lesions import Lesion, to_table
from radprompt.tables.prompts import write_prompts

ROOT = Path(__file__).parents[3]
REPEATS = 3
SIZES = {"train": 20, "val": 8, "test": 8}


def _lesions(dataset: str) -> list[Lesion]:
    splits = [role for role in ROLES for _ in range(SIZES[role])]
    return [
        Lesion(key, f"p{key}", key, dataset, "i", "CC", "L", "4", number % 2, split, 0, 0, 9, 9, "", 0.1, "unknown")
        for number, split in enumerate(splits)
        for key in [f"{dataset[:2]}{number:02d}"]
    ]


def _measured(lesions: list[Lesion], seed: int) -> pd.DataFrame:
    """Lesions by id with label and random values; the first nine features tell the classes apart."""
    values = np.random.default_rng(seed).normal(size=(len(lesions), len(FEATURES)))
    values[:, :9] += np.array([[lesion.label] for lesion in lesions])
    table = pd.DataFrame(values, columns=list(FEATURES))
    table.insert(0, "lesion_id", [lesion.lesion_id for lesion in lesions])
    table.insert(1, "label", [lesion.label for lesion in lesions])
    return table


def _halved(table: pd.DataFrame, repeat: int) -> pd.DataFrame:
    """Give each lesion a role, in each repeat another."""
    roles = np.roll([role for role in ROLES for _ in range(SIZES[role])], 6 * repeat)
    return table.assign(repeat=repeat, split=roles).sort_values("lesion_id")


def _selection(first: int, table: pd.DataFrame) -> Selection:
    chosen = CATALOGUE[first : first + 3]
    keys, names = tuple(feature.key for feature in chosen), tuple(feature.name for feature in chosen)
    return Selection(keys, names, "mrmr", "MIQ", 5, tuple(table.loc[table["split"] == "train", "lesion_id"]))


@pytest.fixture
def tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, pd.DataFrame]:
    """Standardised rows of every setting, as the stages find them in the working directory."""
    monkeypatch.chdir(tmp_path)
    vindr, inbreast = _lesions("vindr_mammo"), _lesions("inbreast")
    for dataset, lesions in (("vindr_mammo", vindr), ("inbreast", inbreast)):
        write_csv(f"data/lesions/{dataset}.csv", to_table(lesions))
    first = _measured(vindr, 0).assign(repeat=0, split=[lesion.split for lesion in vindr])
    halves = [_halved(_measured(inbreast, 1), repeat) for repeat in range(REPEATS)]
    site = pd.concat(halves)
    seen = pd.concat([first[first["split"] != "test"].assign(repeat=repeat) for repeat in range(REPEATS)])
    unadapted = pd.concat([seen, site[site["split"] == "test"]]).sort_values("repeat", kind="stable")
    found = {}
    for name in SETTINGS:
        table = {"vindr": first, "inbreast_unadapted": unadapted}.get(name, site)
        found[name] = table[["repeat", "lesion_id", "split", "label", *FEATURES]].reset_index(drop=True)
        write_csv(f"data/standardised/{name}.csv", found[name])
        write_prompts(f"data/prompts/{name}.jsonl", found[name].assign(prompt="Classify."))
    _selection(0, first).save("models/vindr/selection/0.json")
    for name in ("inbreast_extended", "inbreast_scratch"):
        for repeat, half in enumerate(halves):
            _selection(2 + repeat, half).save(f"models/{name}/selection/{repeat}.json")
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

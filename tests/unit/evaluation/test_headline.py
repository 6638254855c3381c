"""What DVC's tables show: few numbers, chosen without a look at test rows."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from ruamel.yaml import YAML

from radprompt.evaluation.against_best import best_by_validation
from radprompt.evaluation.headline import MOST, headline

ROOT = Path(__file__).parents[3]
AUCS = {"llm": {"auc": 0.71234}, "named": {"auc": 0.8}, "svm": {"auc": 0.65}, "mlp": {"auc": 0.9}, "majority": {}}


def _predictions(setting: str, val: dict[str, list[float]], test: dict[str, list[float]]) -> pd.DataFrame:
    """Rows of models on four lesions, labels 0, 1, 0, 1, in each of the two splits."""
    rows = [
        {"lesion_id": f"{split}{n}", "patient_id": f"{split}{n}", "setting": setting, "repeat": 0, "model": model}
        | {"seed": 1, "split": split, "label": n % 2, "probability": probability}
        for split, models in (("val", val), ("test", test))
        for model, probabilities in models.items()
        for n, probability in enumerate(probabilities)
    ]
    return pd.DataFrame(rows)


RIGHT, WRONG = [0.1, 0.9, 0.2, 0.8], [0.9, 0.1, 0.8, 0.2]
SVM_IS_BETTER_ON_VALIDATION = ({"svm": RIGHT, "mlp": WRONG}, {"svm": WRONG, "mlp": RIGHT})


def test_the_best_is_that_of_validation_rows_though_another_one_tests_better() -> None:
    table = _predictions("vindr", *SVM_IS_BETTER_ON_VALIDATION)
    assert best_by_validation(table, ["mlp", "svm"]) == {"vindr": "svm"}
    assert best_by_validation(table, ["mlp"]) == {"vindr": "mlp"}
    one_class = table[(table["split"] == "test") | (table["label"] == 1)]
    assert best_by_validation(one_class, ["mlp", "svm"]) == {}


def test_keys_are_short_and_models_that_are_not_there_are_left_out() -> None:
    segmentation = {"inbreast": {"lesions": 3, "nnunet": {"dice": 0.93865179}, "ellipse": {"dice": 0.9}}}
    found = headline({"vindr": AUCS, "adapted": {"llm": {"auc": 0.5}}}, {"vindr": "svm"}, segmentation)
    assert found == {
        "vindr": {"llm": 0.7123, "named": 0.8, "best": 0.65},
        "adapted": {"llm": 0.5},
        "dice_inbreast": {"dice": 0.9387},
    }


def test_of_many_settings_the_first_are_shown() -> None:
    settings = [f"setting_{number}" for number in range(20)]
    segmentation = {name: {"nnunet": {"dice": 0.9}} for name in ("cbis_test", "inbreast")}
    found = headline(dict.fromkeys(settings, AUCS), dict.fromkeys(settings, "mlp"), segmentation)
    assert list(found) == [*settings[:7], "dice_cbis_test", "dice_inbreast"]
    assert sum(map(len, found.values())) == 7 * 3 + 2 <= MOST


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A DVC repository with this pipeline and the metrics of its last commit, summarised again."""
    for name in ("params.yaml", "settings.yaml", "dvc.yaml"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / "metrics", tmp_path / "metrics")
    for name in YAML(typ="safe").load(ROOT / "settings.yaml")["settings"]:
        folder = tmp_path / "data" / "predictions" / name
        folder.mkdir(parents=True)
        _predictions(name, *SVM_IS_BETTER_ON_VALIDATION).to_csv(folder / "baselines.csv", index=False)
    _run(tmp_path, sys.executable, str(ROOT / "stages" / "summary.py"))
    _run(tmp_path, "dvc", "init", "--no-scm", "--quiet")
    return tmp_path


def _run(folder: Path, *command: str) -> str:
    environment = {**os.environ, "DVC_NO_ANALYTICS": "1", "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_dvcs_table_has_a_row_a_setting_and_80_columns(repository: Path) -> None:
    table = _run(repository, "dvc", "metrics", "show")
    header, *rows = [line.split() for line in table.splitlines()]
    assert max(map(len, table.splitlines())) <= 80
    assert sorted(header) == ["Path", "best", "dice", "llm", "named"]
    settings = YAML(typ="safe").load(ROOT / "settings.yaml")["settings"]
    names = [*settings, "dice_cbis_test", "dice_inbreast"]
    assert {row[0] for row in rows} == {f"metrics/headline/{name}.json" for name in names}
    summary = json.loads((repository / "metrics/summary.json").read_text())
    shown = json.loads((repository / "metrics/headline/vindr.json").read_text())
    assert shown["best"] == round(summary["vindr"]["svm"]["auc"], 4)
    (vindr,) = (row for row in rows if row[0].endswith("/vindr.json"))
    assert float(vindr[header.index("best")]) == shown["best"]

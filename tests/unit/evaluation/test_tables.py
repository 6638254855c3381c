import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from radprompt.core.errors import InputError
from radprompt.evaluation.tables import read_summary, render_summary, summary
from radprompt.study.settings import Settings


@pytest.fixture
def comparison() -> pd.DataFrame:
    """Two models, four metrics, one of them undefined for the second model."""
    metrics = ["auc", "accuracy", "sensitivity", "ppv"]
    table = pd.DataFrame([{"model": model, "metric": metric} for model in ("svm", "majority") for metric in metrics])
    table = table.assign(setting="vindr", value=1 / 3, low=0.25, high=1.0, repeats=1, repeat_sd=np.nan, seed_sd=np.nan)
    table = table.assign(lesions=50, patients=25, malignant=20)
    table = table.assign(difference=np.nan, difference_low=np.nan, difference_high=np.nan)
    table.loc[0, ["value", "low", "high", "seed_sd"]] = [0.8125, 0.70049, 0.9, 0.01]
    table.loc[1, ["low", "high"]] = np.nan
    return table.drop(index=7)


def test_summary_is_nested_rounded_and_finite(comparison: pd.DataFrame) -> None:
    nested = summary(comparison)
    counts = {"lesions": 50, "patients": 25, "malignant": 20}
    third = {"": 0.333333, "_low": 0.25, "_high": 1.0}
    assert nested == {
        "vindr": {
            "svm": {
                **counts,
                **{"auc": 0.8125, "auc_low": 0.70049, "auc_high": 0.9, "auc_sd": 0.01, "accuracy": 0.333333},
                **{f"{metric}{end}": value for metric in ("sensitivity", "ppv") for end, value in third.items()},
            },
            "majority": {
                **counts,
                **{
                    f"{name}{end}": value for name in ("auc", "accuracy", "sensitivity") for end, value in third.items()
                },
            },
        }
    }
    assert list(nested["vindr"]) == ["svm", "majority"]
    assert all(type(value) in (int, float) for model in nested["vindr"].values() for value in model.values())


def test_several_repeats_and_paired_differences_are_in_the_summary(comparison: pd.DataFrame) -> None:
    halved = comparison.assign(repeats=3, repeat_sd=0.0456789012, difference=-0.02)
    svm = summary(halved)["vindr"]["svm"]
    assert svm["repeats"] == 3
    assert svm["auc_repeat_sd"] == 0.045679
    assert svm["auc_sd"] == 0.01
    assert {name: value for name, value in svm.items() if "difference" in name} == {"auc_difference": -0.02}
    bounded = summary(halved.assign(difference_low=-0.1, difference_high=0.05))["vindr"]["svm"]
    assert (bounded["auc_difference_low"], bounded["auc_difference_high"]) == (-0.1, 0.05)


def test_at_chosen_thresholds_the_summary_holds_the_essentials(comparison: pd.DataFrame) -> None:
    metrics = ["threshold", "accuracy", "f1", "sensitivity", "specificity"]
    extra = pd.DataFrame({"metric": [f"{metric}_at_youden" for metric in metrics]})
    extra = extra.assign(**comparison.iloc[1].drop("metric").to_dict())
    before, after = (summary(table)["vindr"]["svm"] for table in (comparison, pd.concat([comparison, extra])))
    assert set(after) - set(before) == {"threshold_at_youden", "sensitivity_at_youden", "specificity_at_youden"}


def test_rendered_table_fits_eighty_columns(comparison: pd.DataFrame, tmp_path: Path) -> None:
    path = tmp_path / "summary.json"
    path.write_text(json.dumps(summary(comparison.replace("majority", "all_features_logistic"))))
    with (tmp_path / "out").open("w") as out:
        console = Console(width=80, record=True, file=out)
        console.print(render_summary(read_summary(path)))
    text = console.export_text()
    assert "0.812" in text
    assert ".70–.90" in text
    assert ".25–1.00" in text
    assert "?–?" in text
    assert "all features logistic" in text
    assert "…" not in text
    assert "vindr: 50 masses, 20 malignant, 25 patients" in text
    assert "halves" not in text


def test_five_settings_of_several_halves_fit_eighty_columns(
    comparison: pd.DataFrame, tmp_path: Path, settings: Settings
) -> None:
    named = comparison.replace({"svm": "embedding_logistic_regression"})
    parts = [named.assign(setting=name, repeats=1 if name == "vindr" else 20) for name in settings]
    table = pd.concat(parts)
    table.loc[(table["model"] == "majority") & (table["repeats"] > 1), "repeats"] = 3
    path = tmp_path / "summary.json"
    path.write_text(json.dumps(summary(table)))
    with (tmp_path / "out").open("w") as out:
        console = Console(width=80, record=True, file=out)
        console.print(render_summary(read_summary(path)))
    text = console.export_text()
    assert "…" not in text
    text = " ".join(text.split())
    assert text.count("regression ×20") == text.count("majority ×3") == 4
    assert all(name in text for name in settings)
    assert "×n: the mean over n halves of the patients, and the interval of that mean" in text
    assert "inbreast_unadapted, half 1 of 20: 50 masses, 20 malignant, 25 patients" in text


def test_what_is_no_summary(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_summary(tmp_path / "absent.json")
    for content in ("{", "[]", '{"vindr": {}}', '{"vindr": {"llm": {"auc": 0.5}}}', '{"vindr": {"llm": 3}}'):
        (tmp_path / "summary.json").write_text(content)
        with pytest.raises(InputError, match="not a summary"):
            read_summary(tmp_path / "summary.json")


def test_showing_the_summary_loads_nothing_heavy() -> None:
    # `make repro` with nothing to do must end within seconds, and this is its last step.
    heavy = {"pandas", "sklearn", "scipy", "torch"}
    code = f"import sys, radprompt.evaluation.summary_screen; print({heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"

"""New rows are read as the study's own table was: decimal marks, units, codes for missing values, names."""

import importlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from ruamel.yaml import YAML
from sklearn.metrics import roc_auc_score

from radprompt.core.errors import InputError
from radprompt.core.table_params import check_table_params
from radprompt.own_table.applying import apply
from radprompt.own_table.checking import check
from radprompt.own_table.partitions import divide
from radprompt.own_table.store import write_study
from radprompt.study.sentences import shown_names
from radprompt.tables.embeddings import write_embeddings

CASES = 40
RNG = np.random.default_rng(3)
LABELS = np.arange(CASES) % 2
VOLUME = (900 + 400 * LABELS + RNG.normal(0, 150, CASES)).round().astype(int)
DIAMETER = (12 + 4 * LABELS + RNG.normal(0, 2, CASES)).round(1)


@pytest.fixture
def finished(tmp_path, monkeypatch, content):
    """Train a final model on a table's text, with made-up vectors of names; return what applies it to another text."""

    def finished(table: pd.DataFrame, names: str = "real", **roles):
        monkeypatch.chdir(tmp_path)
        asked = content(table={"id": "case", "label": "label", "positive": "m", **roles}, prompt={"names": names})
        with Path("params.yaml").open("w", encoding="utf-8") as stream:
            YAML().dump(asked, stream)
        params = check_table_params(asked)
        table.to_csv("table.csv", index=False, sep=";")
        checked = check("table.csv", params.table)
        write_study(
            checked, divide(checked.about, checked.sites, params.partition, params.adaptation, params.seed, "t")
        )
        known = sorted({*checked.features, *shown_names(list(checked.features), names, params.seed)})
        vectors = np.random.default_rng(1).normal(size=(len(known), 4))
        write_embeddings("models/names/states.safetensors", known, vectors)
        Path("models/names/directions.json").write_text("{}")
        importlib.import_module("radprompt.stages.final_model").main()

        def applied(rows: pd.DataFrame, **options) -> pd.DataFrame:
            rows.to_csv("new.csv", index=False, sep=";")
            apply(Path("new.csv"), tmp_path, None, Path("said.csv"), **options)
            return pd.read_csv("said.csv", keep_default_na=False)

        return applied

    return finished


def table(**columns):
    ids = [f"C{number:02d}" for number in range(CASES)]
    return pd.DataFrame({"case": ids, "label": np.where(LABELS, "m", "b"), **columns}, dtype=object)


def german(values):
    return [f"{value:,}".replace(",", ".") for value in values]


def test_points_between_thousands_stay_so_where_no_comma_shows_it(finished):
    whole = table(volume=german(VOLUME), diameter=[str(value).replace(".", ",") for value in DIAMETER])
    applied = finished(whole)
    large = whole[VOLUME >= 1000]
    alike = applied(large)["probability"].tolist()
    assert applied(large.drop(columns="diameter").assign(diameter="14"))["outside"].eq("").all()
    assert len(set(alike)) > 5
    assert applied(large, decimal=",")["probability"].tolist() == alike


def test_another_unit_than_the_models_is_refused(finished):
    whole = table(volume=VOLUME, diameter=[f"{value} mm" for value in DIAMETER])
    applied = finished(whole)
    assert applied(whole)["missing"].eq(0).all()
    with pytest.raises(InputError, match=r"'1\.\d+ cm': the model learned from values in mm"):
        applied(whole.assign(diameter=[f"{value / 10:.2f} cm" for value in DIAMETER]))


@pytest.mark.parametrize("code", ["-1", "-1.0", "-1,0", "\u22121", "-1,00"])
def test_a_code_for_missing_values_counts_in_any_form(finished, code):
    depth = DIAMETER.astype(object)
    depth[:4] = "-1"
    applied = finished(table(volume=VOLUME, depth=depth), missing=["", "depth=-1"])
    rows = table(volume=VOLUME, depth=[code, *map(str, DIAMETER[1:])])
    assert applied(rows)["missing"].tolist() == [1] + [0] * (CASES - 1)


@pytest.mark.parametrize("names", ["real", "censored", "shuffled"])
def test_a_coefficient_multiplies_the_feature_that_it_was_learnt_from(finished, names):
    noise = {f"noise {number}": RNG.normal(size=CASES).round(3) for number in range(4)}
    whole = table(volume=VOLUME, diameter=DIAMETER, **noise)
    found = finished(whole, names)(whole)
    assert roc_auc_score(LABELS, found["probability"]) > 0.9

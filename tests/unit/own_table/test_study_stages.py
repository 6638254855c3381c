"""The stages of a table's folder one after the other, on two small sites, in one process; and the model on new rows."""

import importlib
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from radprompt.core.errors import InputError
from radprompt.evaluation.stability import judge_stability
from radprompt.named.classifier import NamedClassifier
from radprompt.own_table.applying import apply
from radprompt.own_table.folder import check_first, write_settings
from radprompt.selection.record import Selection
from radprompt.study.settings import load_settings
from radprompt.tables.cohort import read_cohort
from radprompt.tables.embeddings import write_embeddings

pytestmark = pytest.mark.slow


def run(name, *arguments):
    importlib.import_module(f"radprompt.stages.{name}").main(*arguments)


WANDERS = "tone"
"""The feature that is another one each time a case is measured."""


def measured_again(table):
    """Every number twice more with a little noise; one feature, dealt out among the cases at random."""
    rng = np.random.default_rng(8)
    parts = []
    for _ in range(2):
        part = table.drop(columns=["label", "site", "shape"]).copy()
        for name in part.columns.drop(["case"]):
            part[name] += rng.normal(0, 0.5, len(part))
        part[WANDERS] = rng.permutation(part[WANDERS].to_numpy())
        parts.append(part)
    return pd.concat(parts)


@pytest.fixture(scope="module")
def folder(tmp_path_factory, tiny_params, two_sites):
    """A folder in which every stage ran; the working directory of this module's tests. Names' vectors are made up."""
    from ruamel.yaml import YAML

    home = tmp_path_factory.mktemp("own")
    changes = {"table": {"clinical": ["age"], "id": "case", "site": "site"}, "compute": {"workers": 1}}
    changes["features"] = {"min_icc": 0.6}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        Path("data").mkdir()
        table = two_sites.assign(age=np.random.default_rng(4).integers(30, 80, len(two_sites)))
        table.to_csv("data/table.csv", index=False)
        Path("data/measured").mkdir()
        measured_again(two_sites).to_csv("data/measured/repeated.csv", index=False)
        with Path("params.yaml").open("w", encoding="utf-8") as stream:
            content = {key: own | changes[key] if key in changes else own for key, own in tiny_params.items()}
            YAML().dump(content, stream)
        asked = {"label": "label", "id": "case", "site": "site", "clinical": ["age"]}
        prepared = check_first(Path("data/table.csv"), asked, None, folder=home)
        write_settings(Path("settings.yaml"), prepared.study.settings)
        run("check_table")
        run("standardise")
        run("select_features")
        run("leakage", "settings")
        names = sorted(
            {name for path in Path("data/standardised").glob("*.csv") for name in pd.read_csv(path, nrows=0)}
        )
        write_embeddings(
            "models/names/states.safetensors", names, np.random.default_rng(1).normal(size=(len(names), 4))
        )
        Path("models/names/directions.json").write_text("{}")
        for name in load_settings():
            run("named", name)
            run("baselines", name)
            run("evaluate", name)
        run("figures")
        run("summary")
        run("final_model")
        run("table_report")
        yield home


def test_every_repeat_scales_and_selects_on_its_own_training_cases(folder):
    for name, setting in load_settings().items():
        cohort = read_cohort(f"data/cohorts/{name}.csv")
        for repeat in setting.repeats(1000):
            train = cohort[(cohort["repeat"] == repeat) & (cohort["split"] == "train")]
            scaler = json.loads(setting.scaler_file(repeat).read_text())
            assert sorted(scaler["fitted_on"]) == sorted(train["lesion_id"])
            selection = Selection.load(setting.selection_file(repeat))
            fitted = train if setting.labelled else cohort[cohort["split"] == "start"]
            assert sorted(selection.fitted_on) == sorted(fitted["lesion_id"])
            assert "clinical: age" not in selection.features


def test_unstable_features_are_left_out_by_the_training_cases_of_each_repeat_alone(folder):
    repeated, raw = pd.read_csv("data/repeated.csv"), pd.read_csv("data/features/table.csv").set_index("lesion_id")
    for name, setting in load_settings().items():
        cohort = read_cohort(f"data/cohorts/{name}.csv")
        z = pd.read_csv(f"data/standardised/{name}.csv")
        for repeat in setting.repeats(1000):
            train = cohort[(cohort["repeat"] == repeat) & (cohort["split"] == "train")]
            learned_from = set(train["lesion_id"]) | set(cohort.loc[cohort["split"] == "start", "lesion_id"])
            judged = pd.read_csv(f"models/scaler/{name}/{repeat}_icc.csv")
            expected = judge_stability(raw, repeated, learned_from, 0.6)
            pd.testing.assert_frame_equal(judged, expected, rtol=1e-8)
            left_out = set(judged.loc[~judged["stable"], "feature"])
            assert not left_out & set(Selection.load(setting.selection_file(repeat)).features)
            assert (
                z.loc[(z["repeat"] == repeat) & (z["split"] == "test"), list(left_out & set(z))].isna().all(axis=None)
            )
    within = pd.read_csv("models/scaler/cross_validation_north/0_icc.csv").set_index("feature")
    assert not within.loc[WANDERS, "stable"]
    assert within.loc[["area", "edge"], "stable"].all()
    final = pd.read_csv("models/final/agreement.csv").set_index("feature")
    assert not final.loc[WANDERS, "stable"]
    assert WANDERS not in json.loads(Path("models/final/scaler.json").read_text())["features"]


def test_the_page_tells_what_was_left_out_and_answers_the_checklists(folder):
    page = Path("reports/index.html").read_text(encoding="utf-8")
    section = page.split('<section id="stability">')[1].split("</section>")[0]
    assert "lower limit of the ICC below\n0.6" in section
    assert f'<th scope="row">{WANDERS}</th>' in section
    assert "METRICS 14, Unstable features removed: answered" in section
    assert "CLEAR 31, Reliability of segmentation: answered" in section


def test_models_are_compared_on_the_same_cases_and_those_without_their_columns_are_left_out(folder):
    comparison = pd.read_csv("metrics/comparison.csv")
    auc = comparison[comparison["metric"] == "auc"].set_index(["setting", "model"])
    within = auc.loc["cross_validation_north"]
    assert set(within.index) == {"named", "named_all", "logistic_regression", "svm", "majority"}
    assert (within["repeats"] == 4).all()
    assert within.loc["named", "value"] > 0.7  # the label follows one column but for one case
    assert within["repeat_low"].notna().all()
    unlabelled = auc.loc["south_0_cases"]
    assert set(unlabelled.index) == {"named", "named_all", "named_permuted", "named_without_names", "majority"}, (
        "the other site's logistic regression reads columns that South lacks"
    )
    assert "pooled_logistic" in auc.loc["south_8_cases"].index
    tested = pd.read_csv("data/predictions/south_8_cases/named.csv")
    others = pd.read_csv("data/predictions/south_8_cases/baselines.csv")
    keys = ["repeat", "lesion_id"]
    one, other = (t.loc[t["model"] == m, keys].sort_values(keys) for t, m in ((tested, "named"), (others, "majority")))
    assert one.to_numpy().tolist() == other.to_numpy().tolist()


def test_figures_of_cross_validation_show_every_case_once(folder):
    scores = pd.read_csv("plots/evaluation/points/scores/cross_validation_north.csv")
    assert scores.loc[scores["model"] == "named model", "lesions"].sum() == 30


def test_the_page_answers_first_what_the_user_came_for(folder):
    page = Path("reports/index.html").read_text(encoding="utf-8")
    assert "The named model has an AUC of " in page.split("</header>")[0]
    assert "over training sets, too" in page
    assert "clinical" in page
    shown = page.split("</style>")[1].split("params.yaml</summary>")[0]
    assert "llm" not in shown


def test_another_table_or_partition_asks_for_new_protocols(folder, monkeypatch):
    text = Path("settings.yaml").read_text()
    Path("settings.yaml").write_text(text.replace("repeats: 4", "repeats: 6"))
    with pytest.raises(InputError, match="not what the table") as error:
        run("check_table")
    assert "radprompt table data/table.csv --label 'label' --out ." in error.value.fix
    Path("settings.yaml").write_text(text)


@pytest.fixture
def new_rows(two_sites):
    rows = two_sites.iloc[[0, 3, 35]].drop(columns="label").copy()
    rows.loc[rows.index[0], "area"] = 500.0
    return rows


def test_the_final_model_predicts_new_rows_as_loaded_by_hand(folder, new_rows, tmp_path):
    new_rows.to_csv(tmp_path / "new.csv", index=False)
    said = apply(tmp_path / "new.csv", folder, None, tmp_path / "said.csv")
    found = pd.read_csv(tmp_path / "said.csv", keep_default_na=False)
    assert found["case"].tolist() == ["N00", "N03", "S05"]
    assert found["outside"].tolist()[0] == "area"
    assert any("1 of them have features beyond" in line for line in said)
    selection = Selection.load("models/final/selection.json")
    scaler = json.loads(Path("models/final/scaler.json").read_text())
    place = {name: i for i, name in enumerate(scaler["features"])}
    raw = pd.read_csv("data/features/table.csv").set_index("lesion_id").loc[["N00", "N03", "S05"]]
    raw.loc["N00", "area"] = 500.0
    z = pd.DataFrame({n: (raw[n] - scaler["mean"][place[n]]) / scaler["sd"][place[n]] for n in selection.features})
    model = NamedClassifier.load("models/final/named")
    expected = model.predict_proba(z, site=["North", "North", "South"])[:, 1]
    np.testing.assert_allclose(found["probability"], expected, rtol=1e-7)
    assert (found["low"].astype(float) < found["probability"]).all()


def test_all_that_is_wrong_with_a_new_table_is_said_at_once(folder, new_rows, tmp_path):
    wrong = new_rows.drop(columns="edge").assign(site="West")
    wrong.to_csv(tmp_path / "new.csv", index=False)
    with pytest.raises(InputError) as error:
        apply(tmp_path / "new.csv", folder, None, tmp_path / "said.csv")
    assert "column 'site': site 'West' is not among those of the study (North, South)" in str(error.value)
    assert not (tmp_path / "said.csv").exists()
    with pytest.raises(InputError, match="no final model"):
        apply(tmp_path / "new.csv", tmp_path, None, tmp_path / "said.csv")

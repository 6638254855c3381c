"""The whole pipeline on the tiny profile, by real DVC, in a copy of the repository's files."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from clones import Clone, Folder
from tiny import ROOT, copied, run, started, tiny_repository, untuned

from radprompt.review.desk import Desk
from radprompt.review.worklist import Worklist
from radprompt.study.settings import load_settings

SETTINGS = load_settings(ROOT / "settings.yaml")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    """A repository of its own, on the tiny profile, reproduced once."""
    home = tiny_repository(tmp_path_factory.mktemp("clone") / "radprompt")
    run("dvc", "repro", cwd=home)
    run("git", "add", "-A", cwd=home)
    run("git", "commit", "-qm", "reproduced", "--allow-empty", cwd=home)
    return home


@pytest.fixture
def copy(repository, tmp_path):
    return copied(repository, tmp_path / "radprompt")


def _files(home: Path) -> dict[str, str]:
    """Return the digest of everything that is git's or DVC's, by its path."""
    files = (file.relative_to(home) for file in sorted(home.rglob("*")) if file.is_file())
    beside = {".git", ".dvc", ".radprompt", "__pycache__"}
    return {str(f): hashlib.md5((home / f).read_bytes()).hexdigest() for f in files if not beside & set(f.parts)}


def test_second_repro_runs_no_stage_and_status_is_clean(repository):
    assert "Running stage" not in run("dvc", "repro", cwd=repository)
    assert json.loads(run("dvc", "status", "--json", cwd=repository)) == {}


def test_every_stage_left_its_outputs_and_the_summary_is_finite(repository):
    summary = json.loads((repository / "metrics/summary.json").read_text())
    assert list(summary) == list(SETTINGS)
    for setting, models in summary.items():
        for model in ("llm", "logistic_regression", "transtab", "embedding_svm"):
            for metric in ("auc", "accuracy", "balanced_accuracy", "f1", "sensitivity", "specificity"):
                scores = models[model]
                low, value, high = (scores[f"{metric}{end}"] for end in ("_low", "", "_high"))
                assert 0 <= low <= value <= high <= 1, (setting, model, metric)
    assert "logistic" in run("radprompt", "summary", cwd=repository).lower()


def test_no_patient_is_on_both_sides_of_a_split(repository):
    for dataset in ("cbis_ddsm", "vindr_mammo", "inbreast"):
        lesions = pd.read_csv(repository / f"data/lesions/{dataset}.csv", dtype=str)
        assert (lesions.groupby("patient_id")["split"].nunique() == 1).all(), dataset
        assert lesions["split"].nunique() >= 2, dataset


@pytest.mark.parametrize("name", SETTINGS)
def test_nothing_of_a_test_half_was_seen_in_fitting(repository, name):
    """Walk the recorded ids: scaler, selection, language model, thresholds, and what the baselines were given."""
    setting = SETTINGS[name]
    tables = [pd.read_csv(repository / f"data/lesions/{dataset}.csv", dtype=str) for dataset in SETTINGS.data_sets]
    lesions = pd.concat(tables).set_index("lesion_id")
    files = sorted((repository / f"data/predictions/{name}").glob("*.csv"))
    predicted = pd.concat([pd.read_csv(file, dtype={"lesion_id": str}) for file in files])
    standardised = pd.read_csv(repository / f"data/standardised/{name}.csv", dtype={"lesion_id": str})
    assert predicted["repeat"].nunique() == (2 if setting.repeated else 1)
    for repeat, rows in predicted.groupby("repeat"):
        tested = set(rows.loc[rows["split"] == "test", "lesion_id"])
        records = {
            "scaler": json.loads((repository / setting.scaler_file(repeat)).read_text())["fitted_on"],
            "selection": json.loads((repository / setting.selection_file(repeat)).read_text())["fitted_on"],
            "thresholds": rows.loc[rows["split"] == "val", "lesion_id"].tolist(),
        }
        given = standardised[(standardised["repeat"] == repeat) & (standardised["split"] != "test")]
        records["baselines"] = given["lesion_id"].tolist()
        adapters = sorted((repository / f"models/language_model/{name}").glob(f"repeat_{repeat}_*/lesions.json"))
        for file in adapters + sorted((repository / "models/language_model/vindr").glob("*/lesions.json")):
            records[str(file)] = [lesion for ids in json.loads(file.read_text()).values() for lesion in ids]
        assert len(records) >= 5
        for what, ids in records.items():
            assert len(ids) >= 2, (repeat, what)
            assert not tested & set(ids), (repeat, what)
            for column in ("patient_id", "study_id"):
                shared = set(lesions.loc[sorted(tested), column]) & set(lesions.loc[ids, column])
                assert not shared, (repeat, what, column)


def test_models_of_a_setting_tested_the_same_lesions_in_every_half(repository):
    halves = pd.read_csv(repository / "data/halves/inbreast.csv", dtype={"lesion_id": str})
    expected = {repeat: set(own.loc[own["split"] == "test", "lesion_id"]) for repeat, own in halves.groupby("repeat")}
    assert len(expected) == 2
    assert expected[0] != expected[1]
    for name in [name for name, setting in SETTINGS.items() if setting.repeated]:
        for family, repeats in (("llm", 1), ("baselines", 2), ("embedded", 1)):
            table = pd.read_csv(repository / f"data/predictions/{name}/{family}.csv", dtype={"lesion_id": str})
            tested = table[table["split"] == "test"].groupby(["model", "repeat"])["lesion_id"].agg(set)
            assert set(tested.index.get_level_values("repeat")) == set(range(repeats))
            for (_, repeat), lesions in tested.items():
                assert lesions == expected[repeat]


def test_learning_curve_and_explanations_are_whole(repository):
    curve = pd.read_csv(repository / "metrics/learning_curve.csv")
    assert set(curve["line"]) >= {"extended", "scratch"}
    assert (curve.groupby("line")["lesions"].nunique() == 3).all()  # none, six, all
    shares = pd.read_csv(repository / "data/explanations/vindr.csv")
    for _, own in shares.groupby("lesion_id"):
        assert own["base"].iloc[0] + own["share"].sum() == pytest.approx(own["logit"].iloc[0], abs=1e-6)
    llm = pd.read_csv(repository / "data/predictions/vindr/llm.csv").set_index("lesion_id")["probability"]
    explained = shares.drop_duplicates("lesion_id").set_index("lesion_id")["probability"]
    assert (explained - llm[explained.index]).abs().max() < 0.02  # bf16, other batches


def test_flow_accounts_for_every_row_of_the_source(repository):
    for dataset in ("cbis_ddsm", "vindr_mammo", "inbreast"):
        flow = json.loads((repository / f"data/lesions/{dataset}_flow.json").read_text())
        excluded = sum(count for step, count in flow.items() if step.startswith("excluded"))
        assert flow["rows"] == flow["lesions"] + excluded, dataset
        assert excluded == len(pd.read_csv(repository / f"data/lesions/{dataset}_exclusions.csv")), dataset


def test_predictions_and_prompts_hold_the_same_lesions(repository):
    prompts = pd.read_json(repository / "data/prompts/vindr.jsonl", lines=True, dtype={"lesion_id": str})
    scored = set(prompts.loc[prompts["split"] != "train", "lesion_id"])
    for family in ("llm", "baselines", "embedded"):
        table = pd.read_csv(repository / f"data/predictions/vindr/{family}.csv", dtype={"lesion_id": str})
        for _, rows in table.groupby("model"):
            assert set(rows["lesion_id"]) == scored, family


def _sphericity_beyond_a_circle(table: pd.DataFrame) -> int:
    table.loc[2, "shape_Sphericity"] = "1.2"
    return 2


def _other_label(table: pd.DataFrame) -> int:
    table.loc[4, "label"] = {"0": "1", "1": "0"}[table.loc[4, "label"]]
    return 4


def _other_split_of_one_lesion_of_a_patient(table: pd.DataFrame) -> int:
    index = table.index[table.duplicated("patient_id", keep=False)][0]
    table.loc[index, "split"] = "val" if table.loc[index, "split"] == "test" else "test"
    return index


@pytest.mark.parametrize(
    ("producer", "file", "spoil", "check", "message"),
    [
        (
            "features@vindr_mammo",
            "data/features/vindr_mammo.csv",
            _sphericity_beyond_a_circle,
            "validate_features",
            "shape_Sphericity is above 0 and at most 1",
        ),
        (
            "lesions@vindr_mammo",
            "data/lesions/vindr_mammo.csv",
            _other_label,
            "validate_lesions",
            "label follows BI-RADS",
        ),
        (
            "lesions@vindr_mammo",
            "data/lesions/vindr_mammo.csv",
            _other_split_of_one_lesion_of_a_patient,
            "validate_lesions",
            "no patient is in two splits",
        ),
    ],
    ids=["feature", "label", "split"],
)
def test_a_spoilt_value_stops_at_its_check_before_any_later_stage(copy, producer, file, spoil, check, message):
    table = pd.read_csv(copy / file, dtype=str, keep_default_na=False)
    index = spoil(table)
    table.to_csv(copy / file, index=False)
    run("dvc", "commit", "-f", producer, cwd=copy)
    lock = (copy / "dvc.lock").read_bytes()
    log = run("dvc", "repro", cwd=copy, expect=255)
    assert started(log) == [check]
    (said,) = [line for line in log.splitlines() if line.strip().startswith(message)]
    assert f": row {index + 1}, lesion_id {table.loc[index, 'lesion_id']} (" in said
    assert f"failed to reproduce '{check}'" in log
    assert (copy / "dvc.lock").read_bytes() == lock


def test_a_corrected_contour_reruns_its_data_set_and_nothing_before_or_beside(copy):
    """A reader adds a strip on the right of one contour of VinDr-Mammo; the next run measures it."""
    desk = Desk(Worklist(copy, "vindr_mammo"), "ann")
    lesion = pd.read_csv(copy / "data/lesions/vindr_mammo.csv", dtype=str).iloc[0]["lesion_id"]
    drawn = desk.state(lesion)
    desk.accept(lesion, drawn.current | np.roll(drawn.current, 3, axis=1), 1000, drawn.revision)
    before = _features(copy, "vindr_mammo")
    other = (copy / "data/features/inbreast.csv").read_bytes()
    ran = started(run("dvc", "repro", "readers", "features@vindr_mammo", cwd=copy))
    assert ran[0] == "masks@vindr_mammo"
    assert set(ran[1:]) == {"validate_masks", "features@vindr_mammo", "validate_features", "cohorts", "readers"}
    after = _features(copy, "vindr_mammo")
    assert after.loc[lesion, "shape_PixelSurface"] > before.loc[lesion, "shape_PixelSurface"]
    pd.testing.assert_frame_equal(after.drop(lesion), before.drop(lesion))
    assert (copy / "data/features/inbreast.csv").read_bytes() == other
    found = json.loads((copy / "metrics/readers.json").read_text())["data_sets"]["vindr_mammo"]
    assert (found["lesions"], found["corrected"]) == (1, 1)
    waiting = started(run("dvc", "repro", "--dry", cwd=copy))
    assert {"standardise", "report"} <= set(waiting)
    earlier = {"lesions", "image_hashes", "segmenter", "masks", "features", "halves", "backbone"}
    assert not {name.partition("@")[0] for name in waiting} & earlier


def _features(home: Path, dataset: str) -> pd.DataFrame:
    return pd.read_csv(home / f"data/features/{dataset}.csv", dtype={"lesion_id": str}).set_index("lesion_id")


def test_a_second_clone_pulls_what_the_first_pushed_and_runs_no_stage(copy, tmp_path):
    a, storage = Clone(copy), Folder(tmp_path / "storage")
    a.connect(storage)
    assert "files pushed" in a.dvc("push")
    a.run("git", "clone", "-q", ".", str(tmp_path / "b"))
    b = Clone(tmp_path / "b")
    b.connect(storage)
    assert not b.objects()
    assert not (b.folder / "data/predictions/vindr/llm.csv").exists()
    assert "files fetched" in b.dvc("pull")
    b.assert_cache_is_intact()
    assert _files(b.folder) == _files(a.folder)
    shown = b.dvc("repro")
    assert "Running stage" not in shown
    assert "Data and pipelines are up to date." in shown
    assert "Data and pipelines are up to date." in b.dvc("status")
    for clone in (a, b):
        assert clone.run("git", "status", "--porcelain") == ""


def test_a_rank_touches_language_models_only(repository):
    params = repository / "params.yaml"
    text = params.read_text()
    try:
        params.write_text(text.replace("    rank: 4\n", "    rank: 2\n"))
        changed = set(json.loads(run("dvc", "status", "--json", cwd=repository)))
    finally:
        params.write_text(text)
    learning = {f"language_model@{name}" for name in SETTINGS}
    # The curve trains too; the report quotes the parameter.
    assert changed == learning | {"learning_curve@inbreast", "report"}


def test_a_rank_ablation_reruns_what_its_targets_need_and_nothing_before(repository):
    command = ("dvc", "exp", "run", "evaluate@vindr", "-S", "llm.lora.rank=2", "-n", "rank-two")
    ran = set(started(run(*command, cwd=repository)))
    checks = {"validate_predictions@vindr"}
    assert ran == {"language_model@vindr", "embedded_baselines@vindr", "evaluate@vindr"} | checks
    shown = run("dvc", "exp", "show", "--csv", "--no-pager", cwd=repository)
    assert "rank-two" in shown
    run("git", "checkout", "-q", "--", ".", cwd=repository)
    run("dvc", "checkout", "-q", cwd=repository)


def test_baselines_are_picked_by_params_transtab_among_them(repository):
    command = ("dvc", "exp", "run", "baselines@vindr", "-S", "baselines.models=[naive_bayes,transtab]", "-n", "two")
    run(*command, cwd=repository)
    table = pd.read_csv(repository / "data/predictions/vindr/baselines.csv")
    assert set(table["model"]) == {"naive_bayes", "transtab"}
    run("git", "checkout", "-q", "--", ".", cwd=repository)
    run("dvc", "checkout", "-q", cwd=repository)


REVERSED = """
  reversed:
    title: VinDr-Mammo, from INbreast
    paper: null
    train: inbreast/train
    val: inbreast/val
    test: vindr_mammo/test
    start: pretrained
    trains: true
    selection: reversed
"""


def test_a_sixth_setting_is_an_entry_of_settings_yaml(copy):
    path = copy / "settings.yaml"
    text = path.read_text()
    assert text.count("\ncurves:") == 1
    path.write_text(text.replace("\ncurves:", f"{REVERSED}\ncurves:"))
    ran = set(started(run("dvc", "repro", cwd=copy)))
    own = {f"{stage}@reversed" for stage in ("language_model", "named", "baselines", "embedded_baselines")}
    assert own | {"evaluate@reversed", "summary", "report"} <= ran
    # What the five others trained stays as it is.
    assert {name.partition("@")[2] for name in ran} == {"", "reversed"}
    scores = json.loads((copy / "metrics/summary.json").read_text())["reversed"]
    assert {"llm", "named", "named_all", "logistic_regression"} <= set(scores)
    lesions = pd.read_csv(copy / "data/lesions/vindr_mammo.csv", dtype=str)
    tested = pd.read_csv(copy / "data/predictions/reversed/named.csv", dtype={"lesion_id": str})
    tested = tested[tested["split"] == "test"]
    assert set(tested["lesion_id"]) == set(lesions.loc[lesions["split"] == "test", "lesion_id"])
    assert set(tested["repeat"]) == {0, 1}  # INbreast's halves train, so that there are several
    assert "VinDr-Mammo, from INbreast" in (copy / "reports/index.html").read_text()


def test_the_learning_curve_without_a_tuned_language_model_says_so(copy):
    untuned(copy / "params.yaml")
    ran = set(started(run("dvc", "repro", "learning_curve@inbreast", cwd=copy)))
    assert "learning_curve@inbreast" in ran
    assert not {name.partition("@")[0] for name in ran} - {"language_model", "learning_curve"}
    words = "The language model was left out of this run (llm.tuning: none)."
    assert words in (copy / "plots/learning_curve.svg").read_text()


def test_the_readout_of_closing_tokens_goes_from_training_to_a_prediction_elsewhere(copy):
    params = copy / "params.yaml"
    text = params.read_text()
    assert text.count("  readout: features ") == text.count("  closing_layer: 4 ") == 1
    text = text.replace("  readout: features ", "  readout: closing ").replace(
        "  closing_layer: 4 ", "  closing_layer: 2 "
    )
    params.write_text(text)
    targets = ("evaluate@inbreast_extended", "explain@vindr", "learning_curve@inbreast")
    ran = set(started(run("dvc", "repro", *targets, cwd=copy)))
    learned = {name.partition("@")[2] for name in ran if name.startswith("language_model@")}
    assert {*targets, "embedded_baselines@inbreast_extended"} <= ran
    assert {"vindr", "inbreast_extended"} <= learned
    assert not {name.partition("@")[0] for name in ran} & {"named", "baselines", "names", "features", "backbone"}
    for name in learned:
        setting = SETTINGS[name]
        folder = copy / f"models/language_model/{name}/repeat_0_seed_2025"
        assert not list(folder.glob("adapter*"))
        sites = json.loads((folder / "closing.json").read_text())["sites"]
        assert len(sites) == (2 if setting.continues else 1), name
        predicted = pd.read_csv(copy / f"data/predictions/{name}/llm.csv")
        assert predicted["probability"].between(0.001, 0.999).all()
    curve = pd.read_csv(copy / "metrics/learning_curve.csv")
    assert set(curve.loc[curve["model"] == "llm", "line"]) == {"extended", "scratch"}
    shares = pd.read_csv(copy / "data/explanations/vindr.csv")
    llm = pd.read_csv(copy / "data/predictions/vindr/llm.csv").set_index("lesion_id")["probability"]
    for lesion, own in shares.groupby("lesion_id"):
        assert own["base"].iloc[0] + own["share"].sum() == pytest.approx(own["logit"].iloc[0], abs=1e-6)
        assert own["probability"].iloc[0] == pytest.approx(llm[lesion], abs=0.01)
    run("radprompt", "export", "model", "--setting", "inbreast_extended", cwd=copy)
    card = " ".join((copy / "model/README.md").read_text().split())
    assert "closing tokens, after layer 2; nothing was trained" in card
    predicted = pd.read_csv(copy / "data/predictions/inbreast_extended/llm.csv", dtype={"lesion_id": str})
    case = predicted[(predicted["split"] == "test") & (predicted["repeat"] == 0)].iloc[0]
    lesion = pd.read_csv(copy / "data/lesions/inbreast.csv", dtype=str).set_index("lesion_id").loc[case["lesion_id"]]
    given = (lesion["image_path"], "--model", "model", "--mask", lesion["mask_path"], "--id", "case")
    run("radprompt", "predict", *given, cwd=copy)
    found = json.loads((copy / "predictions/case.json").read_text())
    assert found["probability"] == pytest.approx(case["probability"], abs=1e-3)
    assert sum(feature["share"] for feature in found["features"]) != 0
    assert "Running stage" not in run("dvc", "repro", *targets, cwd=copy)


def test_a_corrected_docstring_runs_the_fingerprints_alone(copy):
    path = copy / "src/radprompt/core/outputs.py"
    path.write_text(path.read_text().replace('"""Write UTF-8 text', '"""Write text in UTF-8,', 1))
    assert started(run("dvc", "repro", cwd=copy)) == ["code"]


@pytest.mark.parametrize(
    ("module", "old", "new", "expected"),
    [
        (
            "evaluation/figures.py",
            'COLOURS = {"named": "#0072B2"',
            'COLOURS = {"named": "#0072B3"',
            {"figures", "report"},
        ),
        ("evaluation/shapley.py", "MOST = 100_000", "MOST = 100_001", {"explain@vindr", "report"}),
        ("pages/report/limits.py", "Research software, not", "Software for research, not", {"report"}),
    ],
)
def test_an_edit_reruns_what_it_concerns(copy, module, old, new, expected):
    path = copy / "src/radprompt" / module
    assert path.read_text().count(old) == 1
    path.write_text(path.read_text().replace(old, new))
    run("dvc", "repro", "code", cwd=copy)
    assert set(started(run("dvc", "repro", "--dry", cwd=copy))) == expected


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("    rank: 4", "    rnak: 4", "unknown key 'llm.lora.rnak'"),
        ("  decimals: 3", "  decimals: three", "prompt.decimals: Input should be a valid integer; found 'three' (str)"),
    ],
)
def test_a_wrong_params_file_stops_the_stage_and_leaves_outputs(repository, old, new, message):
    params = repository / "params.yaml"
    text = params.read_text()
    assert old in text
    before = (repository / "data/predictions/vindr/llm.csv").read_bytes()
    try:
        params.write_text(text.replace(old, new))
        assert message in run("dvc", "repro", cwd=repository, expect=255)
        assert (repository / "data/predictions/vindr/llm.csv").read_bytes() == before
        assert (repository / "data/prompts/vindr.jsonl").is_file()
    finally:
        params.write_text(text)
    assert "Running stage" not in run("dvc", "repro", cwd=repository)

"""Every leak that the gate looks for, put into a clean study: is it found, and are its rows named?"""

import importlib.util
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from radprompt.core.errors import InputError
from radprompt.core.outputs import write_csv, write_json, write_text
from radprompt.gates import leakage
from radprompt.study.halves import draw_halves
from radprompt.tables.feature_names import FEATURES
from radprompt.tables.lesions import Lesion, from_table, to_table

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
PATIENTS = {
    "vindr_mammo": {"train": 12, "val": 4, "test": 4},
    "inbreast": {"adapt": 30, "test": 30},
    "cbis_ddsm": {"train": 3, "test": 3},
}
HASHES = "data/validation/hashes.csv"
SETTINGS = Path("data/validation/leakage/settings")


def stage(name):
    spec = importlib.util.spec_from_file_location(f"stage_{name}", ROOT / "stages" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.main


def lesions_of(dataset):
    """Return two lesions a patient, one of either class, each in its own image."""
    rows = []
    for split, count in PATIENTS[dataset].items():
        for patient in range(count):
            for label in (0, 1):
                key = f"{dataset}_{split}_{patient:02d}"
                name, image = f"{key}_{label}", f"raw/{dataset}/{key}_{label}.dcm"
                rows.append(
                    Lesion(
                        *(name, f"patient_{key}", f"study_{key}", dataset, image, "CC", "L", "4", label, split),
                        *(0, 0, 9, 9, "", 0.1, "unknown"),
                    )
                )
    return to_table(rows)


@pytest.fixture(scope="module")
def clean(tmp_path_factory):
    """A study without leaks, made by the stages themselves up to the prompts."""
    root = tmp_path_factory.mktemp("study")
    generator = np.random.default_rng(0)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        params = re.sub(r"hash_bits: \d+", f"hash_bits: {BITS_ALLOWED}", (ROOT / "params.yaml").read_text())
        (root / "params.yaml").write_text(params)
        shutil.copy(ROOT / "settings.yaml", root)
        tables = []
        for dataset in PATIENTS:
            lesions = lesions_of(dataset)
            write_csv(f"data/lesions/{dataset}.csv", lesions)
            hashes = [f"{value:0128x}" for value in map(int.from_bytes, map(generator.bytes, [64] * len(lesions)))]
            columns = {"whole": [text[:64] for text in hashes], "breast": [text[64:] for text in hashes]}
            tables.append(lesions[["dataset", "image_path"]].assign(**columns))
            values = pd.DataFrame(generator.normal(size=(len(lesions), len(FEATURES))), columns=list(FEATURES))
            values.insert(0, "lesion_id", lesions["lesion_id"])
            write_csv(f"data/features/{dataset}.csv", values)
        write_csv(HASHES, pd.concat(tables))
        halves = draw_halves(list(from_table(lesions_of("inbreast"))), 2, 0.5, 0.2, 5)
        write_csv("data/halves/inbreast.csv", halves)
        for name in ("cohorts", "standardise", "select_features", "prompts"):
            stage(name)()
    return root


@pytest.fixture
def study(clean, tmp_path, monkeypatch):
    """A copy of the clean study to spoil, which is the working directory."""
    root = tmp_path / "study"
    shutil.copytree(clean, root)
    monkeypatch.chdir(root)
    return root


def change_lesion(lesion, column, value):
    path = f"data/lesions/{lesion.rsplit('_', 3)[0]}.csv"
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    table.loc[table["lesion_id"] == lesion, column] = value
    table.to_csv(path, index=False)


def change_cohort(lesion, column, value, setting="vindr"):
    path = f"data/cohorts/{setting}.csv"
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    table.loc[table["lesion_id"] == lesion, column] = value
    table.to_csv(path, index=False)


def record(path, lesion):
    content = json.loads(Path(path).read_text())
    write_json(path, {**content, "fitted_on": [*content["fitted_on"], lesion]})


def copy_hash(source, target, flipped):
    """Give one image nearly the hash of another: ``flipped`` bits differ."""
    table = pd.read_csv(HASHES, dtype=str).set_index("image_path")
    table.loc[target, "whole"] = f"{int(table.loc[source, 'whole'], 16) ^ ((1 << flipped) - 1):064x}"
    table.reset_index().to_csv(HASHES, index=False)


def change_feature(change):
    path = "data/standardised/vindr.csv"
    table = pd.read_csv(path)
    table["glcm_Contrast"] = change(table)
    table.to_csv(path, index=False)


def change_prompt(lesion, split):
    path = Path("data/prompts/vindr.jsonl")
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    changed = [row | {"split": split} if row["lesion_id"] == lesion else row for row in rows]
    path.write_text("".join(json.dumps(row) + "\n" for row in changed))


BITS_ALLOWED = 4
TRAIN, TEST, VAL = "vindr_mammo_train_00_0", "vindr_mammo_test_00_0", "vindr_mammo_val_01_1"
LEAKS = {
    "patient": (
        lambda: change_cohort(VAL, "patient_id", "patient_vindr_mammo_train_00"),
        "patient",
        ["patient in two splits: patient patient_vindr_mammo_train_00", f"{TRAIN} (train), {VAL} (val) and 1 more"],
    ),
    "study": (
        lambda: change_cohort(TEST, "study_id", "study_vindr_mammo_val_01"),
        "study",
        ["study in two splits: study study_vindr_mammo_val_01", f"{TEST} (test)", "(val)"],
    ),
    "image": (
        lambda: change_cohort(TEST, "image_path", f"raw/vindr_mammo/{TRAIN}.dcm"),
        "image",
        [f"image in two splits: image raw/vindr_mammo/{TRAIN}.dcm", f"{TEST} (test), {TRAIN} (train)"],
    ),
    "lesion": (
        lambda: change_prompt(TEST, "train"),
        "lesion",
        [f"lesion in two splits: lesion {TEST}", f"{TEST} (test), {TEST} (train)"],
    ),
    "near duplicate": (
        lambda: copy_hash(f"raw/vindr_mammo/{TRAIN}.dcm", f"raw/vindr_mammo/{TEST}.dcm", BITS_ALLOWED),
        "near_duplicate",
        [f"images raw/vindr_mammo/{TEST}.dcm and raw/vindr_mammo/{TRAIN}.dcm", "4 of 256 bits", "hash_bits"],
    ),
    "scaler, test": (
        lambda: record("models/scaler/vindr/0.json", TEST),
        "scaler",
        ["models/scaler/vindr/0.json", f"scaler fitted on held-out lesions: {TEST} (test): is recorded"],
    ),
    "scaler, validation": (
        lambda: record("models/scaler/vindr/0.json", VAL),
        "scaler",
        ["models/scaler/vindr/0.json", f"{VAL} (val): is recorded"],
    ),
    "scaler, another lesion of a test patient": (
        lambda: record("models/scaler/vindr/0.json", TEST),
        "scaler",
        ["vindr_mammo_test_00_1 (test): its patient patient_vindr_mammo_test_00 is, by another lesion"],
    ),
    "scaler, unknown": (
        lambda: record("models/scaler/vindr/0.json", "nobody"),
        "scaler",
        ["nobody: is not in the cohort"],
    ),
    "selection": (
        lambda: record("models/selection/vindr/0.json", TEST),
        "selection",
        ["models/selection/vindr/0.json", f"features selected on held-out lesions: {TEST} (test)"],
    ),
    "feature": (
        lambda: change_feature(lambda table: table["label"]),
        "feature",
        ["label in a feature: feature glcm_Contrast: AUC 1.0000 on 24 training lesions", "feature_auc"],
    ),
    "feature, low where malignant": (
        lambda: change_feature(lambda table: -3.5 * table["label"] + 0.001 * np.arange(len(table))),
        "feature",
        ["feature glcm_Contrast: AUC 0.0000"],
    ),
}


@pytest.mark.parametrize("leak", LEAKS)
def test_a_leak_is_found_and_named_and_outputs_stay(study, leak):
    outputs = [SETTINGS / "vindr.csv", Path("metrics/leakage/settings/vindr.json")]
    for path in outputs:
        write_text(path, "of an earlier run")
    spoil, check, words = LEAKS[leak]
    spoil()
    with pytest.raises(InputError) as caught:
        stage("leakage")("settings")
    for word in words:
        assert word in str(caught.value)
    assert leakage.FIXES[check] in caught.value.fix
    assert [path.read_text() for path in outputs] == ["of an earlier run"] * 2
    found = pd.read_csv(".radprompt/validation/leakage/vindr.csv")
    assert set(found["check"]) >= {check}
    assert ".radprompt/validation/leakage/vindr.csv" in caught.value.fix


def counts(name):
    folder = SETTINGS.parent if name == "segmenter" else SETTINGS
    table = pd.read_csv(folder / f"{name}.csv")
    assert (table["setting"] == name).all()
    assert (table["found"] == 0).all()
    return table.set_index(["check", "repeat"])["compared"]


def test_a_clean_setting_passes_and_says_what_was_compared(study):
    failed = Path(".radprompt/validation/leakage/vindr.csv")
    failed.parent.mkdir(parents=True)
    failed.write_text("of an earlier run")
    stage("leakage")("settings")
    assert not failed.exists()
    found = counts("vindr")
    assert found.xs(0, level="repeat").to_dict() == {
        **{"lesion": 40, "patient": 20, "study": 20, "image": 40},
        "near_duplicate": 24 * 8 + 24 * 8 + 8 * 8,
        **{"scaler": 24, "selection": 24, "feature": 67},
    }
    metrics = json.loads(Path("metrics/leakage/settings/vindr.json").read_text())
    assert metrics["vindr"]["patient"] == {"compared": 20, "found": 0}
    assert set(metrics["vindr"]) == set(leakage.FIXES)


def test_a_model_that_goes_on_learning_counts_with_what_it_learned_before(study):
    stage("leakage")("settings")
    extended, scratch = counts("inbreast_extended"), counts("inbreast_scratch")
    for half in (0, 1):
        assert extended[("patient", half)] == 60 + 12 + 4
        assert scratch[("patient", half)] == 60
        rows = pd.read_csv("data/halves/inbreast.csv").query("repeat == @half")["split"].value_counts()
        train, val, test = (int(rows[split]) for split in ("train", "val", "test"))
        assert scratch[("near_duplicate", half)] == train * val + train * test + val * test
        assert extended[("near_duplicate", half)] == scratch[("near_duplicate", half)] + 32 * (val + test)


def test_a_copy_across_the_sites_is_a_leak_where_the_model_learned_from_the_first(study):
    halves = pd.read_csv("data/halves/inbreast.csv")
    sides = halves.pivot(index="lesion_id", columns="repeat", values="split")
    lesion = sides.index[(sides[0] == "train") & (sides[1] == "test")][0]
    copy_hash("raw/vindr_mammo/vindr_mammo_val_01_1.dcm", f"raw/inbreast/{lesion}.dcm", 1)
    with pytest.raises(InputError, match="1 leak in setting inbreast_unadapted") as caught:
        stage("leakage")("settings")
    assert f"raw/inbreast/{lesion}.dcm" in str(caught.value)
    assert "(in half 1)" in str(caught.value)
    found = {path.stem for path in Path(".radprompt/validation/leakage").iterdir()}
    assert found == {"inbreast_unadapted", "inbreast_adapted", "inbreast_extended"}


def test_a_tested_patient_with_training_lesions_is_refused_by_the_cohort_itself(study):
    change_cohort(TEST, "patient_id", "patient_vindr_mammo_train_00")
    with pytest.raises(InputError, match="'patient_vindr_mammo_train_00' is tested and has a lesion in another split"):
        stage("leakage")("settings")
    assert not SETTINGS.exists()


def test_two_images_of_a_patient_and_of_one_split_may_be_alike(study):
    copy_hash("raw/vindr_mammo/vindr_mammo_train_00_0.dcm", "raw/vindr_mammo/vindr_mammo_train_00_1.dcm", 0)
    copy_hash("raw/vindr_mammo/vindr_mammo_train_01_0.dcm", "raw/vindr_mammo/vindr_mammo_train_02_1.dcm", 0)
    copy_hash(
        "raw/vindr_mammo/vindr_mammo_train_03_0.dcm", "raw/vindr_mammo/vindr_mammo_test_02_1.dcm", BITS_ALLOWED + 1
    )
    stage("leakage")("settings")
    assert counts("vindr")[("near_duplicate", 0)] == 448


def test_what_the_segmenter_learned_from_is_in_no_test(study):
    stage("leakage")("segmenter")
    assert counts("segmenter")[("near_duplicate", 0)] == 6 * (6 + 8 + 120)
    copy_hash("raw/cbis_ddsm/cbis_ddsm_train_00_0.dcm", "raw/inbreast/inbreast_adapt_00_0.dcm", 2)
    with pytest.raises(InputError, match=r"cbis_ddsm_train_00_0\.dcm and raw/inbreast/inbreast_adapt_00_0\.dcm"):
        stage("leakage")("segmenter")
    change_lesion("cbis_ddsm_test_00_0", "patient_id", "patient_cbis_ddsm_train_00")
    with pytest.raises(InputError, match="2 leaks in setting segmenter"):
        stage("leakage")("segmenter")


def test_a_leak_in_one_setting_leaves_the_outputs_of_all(study):
    other = SETTINGS / "inbreast_scratch.csv"
    write_text(other, "of an earlier run")
    record("models/scaler/vindr/0.json", f"{TEST}")
    with pytest.raises(InputError, match="2 leaks in setting vindr"):
        stage("leakage")("settings")
    assert other.read_text() == "of an earlier run"


def test_the_same_patient_id_at_two_sites_is_two_patients(study):
    change_lesion("cbis_ddsm_train_00_0", "patient_id", "patient_inbreast_test_00")
    stage("leakage")("segmenter")


def test_half_of_a_leak_is_named(study):
    record("models/scaler/inbreast_scratch/1.json", "inbreast_adapt_00_0")
    halves = pd.read_csv("data/halves/inbreast.csv").query("repeat == 1").set_index("lesion_id")["split"]
    held_out = halves[halves != "train"]
    lesion = held_out.index[0]
    record("models/scaler/inbreast_scratch/1.json", lesion)
    with pytest.raises(InputError) as caught:
        stage("leakage")("settings")
    assert f"{lesion} ({held_out[lesion]}): is recorded (in half 1)" in str(caught.value)
    assert caught.value.where == "models/scaler/inbreast_scratch/1.json"


def test_many_leaks_are_counted_and_all_written_down(study):
    for number in range(8):
        record("models/scaler/vindr/0.json", f"vindr_mammo_test_{number // 2:02d}_{number % 2}")
    with pytest.raises(InputError, match=r"8 leaks(.|\n)*and 3 more"):
        stage("leakage")("settings")
    assert len(pd.read_csv(".radprompt/validation/leakage/vindr.csv")) == 8


def test_an_image_without_a_hash_or_a_lesion_without_a_table_is_an_error(study):
    table = pd.read_csv(HASHES)
    table[table["image_path"] != f"raw/vindr_mammo/{TEST}.dcm"].to_csv(HASHES, index=False)
    with pytest.raises(InputError, match=r"1 image\(s\) have no hash, such as raw/vindr_mammo"):
        stage("leakage")("settings")
    change_cohort(TEST, "lesion_id", "renamed")
    with pytest.raises(InputError, match=f"lesion '{TEST}', split 'test', is not in the cohort"):
        stage("leakage")("settings")


def test_a_feature_is_judged_only_where_chance_cannot_part_the_classes():
    count = 2 * leakage.LEAST
    labels = np.arange(count) % 2
    rows = pd.DataFrame(np.random.default_rng(0).normal(size=(count, len(FEATURES))), columns=list(FEATURES))
    rows = rows.assign(repeat=0, split="train", label=labels, shape_Sphericity=labels)
    (check,) = leakage.labels_in_features(rows, 0.999)
    assert [finding.subject for finding in check.findings] == ["feature shape_Sphericity"]
    (check,) = leakage.labels_in_features(rows.iloc[1:], 0.999)
    assert (check.compared, list(check.findings)) == (0, [])
    assert list(leakage.labels_in_features(rows.assign(split="test"), 0.999)) == []


def test_feature_auc_counts_ties_half_as_scikit_learn_does():
    generator = np.random.default_rng(1)
    rows = pd.DataFrame(generator.integers(0, 5, (40, len(FEATURES))), columns=list(FEATURES), dtype=float)
    labels = generator.permutation([0] * 25 + [1] * 15)
    area = leakage.feature_auc(rows.assign(label=labels, glcm_Contrast=1.0))
    assert area["glcm_Contrast"] == 0.5
    for feature in FEATURES[:5]:
        assert area[feature] == pytest.approx(roc_auc_score(labels, rows[feature]))


def test_order_of_rows_changes_no_byte(study):
    stage("leakage")("settings")
    outputs = [SETTINGS / "inbreast_extended.csv", Path("metrics/leakage/settings/inbreast_extended.json")]
    before = [path.read_bytes() for path in outputs]
    for path in ("data/cohorts/inbreast_extended.csv", HASHES):
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
        table.sample(frac=1, random_state=2).to_csv(path, index=False)
    lines = Path("data/prompts/inbreast_extended.jsonl").read_text().splitlines()
    Path("data/prompts/inbreast_extended.jsonl").write_text("\n".join(lines[::-1]) + "\n")
    stage("leakage")("settings")
    assert [path.read_bytes() for path in outputs] == before


def test_a_setting_that_draws_by_lesion_is_counted_and_goes_on(study, capsys):
    text = Path("settings.yaml").read_text()
    drawn = "repeats: 2\n    drawn: {splits: [train, val], by: lesion, test: 0.25, val: 0.25}\n"
    entry = text[text.index("  vindr:\n") : text.index("  inbreast_unadapted:\n")].replace("  vindr:", "  by_lesion:")
    entry = entry.replace("selection: vindr\n", f"selection: by_lesion\n    {drawn}")
    Path("settings.yaml").write_text(text.replace("  inbreast_unadapted:\n", f"{entry}  inbreast_unadapted:\n", 1))
    params = Path("params.yaml").read_text()
    Path("params.yaml").write_text(re.sub(r"(\n    (llm|baselines): )\d+", r"\g<1>2", params))
    for name in ("halves", "cohorts", "standardise", "select_features", "prompts"):
        stage(name)()
    capsys.readouterr()
    stage("leakage")("settings")
    said = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("by_lesion"))
    counts = json.loads(Path("metrics/leakage/settings/by_lesion.json").read_text())["by_lesion"]
    assert counts["shared_patient"]["compared"] == 16
    assert 0 < counts["shared_patient"]["found"] <= 16
    found = counts["shared_patient"]["found"]
    assert f"patients on both sides, as drawn.by says: of 16 test lesions, the patient of {found} (" in said
    assert counts["shared_image"]["found"] == 0
    assert counts["scaler"]["found"] == 0
    cohort = pd.read_csv("data/cohorts/by_lesion.csv", dtype=str, keep_default_na=False)
    row = cohort.index[(cohort["split"] == "test") & (cohort["repeat"] == "0")][0]
    record("models/scaler/by_lesion/0.json", cohort["lesion_id"][row])  # of a test lesion itself: not declared
    with pytest.raises(InputError, match="is recorded"):
        stage("leakage")("settings")

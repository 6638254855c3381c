"""What the pipeline makes of a reader's decisions."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from dvc.repo import Repo
from review_study import DATASET, FOLDER, GRID

from radprompt.baselines.classical import Conventional
from radprompt.core.errors import InputError
from radprompt.core.params import load_params
from radprompt.evaluation.intraclass import intraclass_between
from radprompt.mammograms.imaging.contours import read_mask, write_mask
from radprompt.mammograms.segmentation.quality import dice
from radprompt.mammograms.segmentation.segmenter import Drawing, Segmenter
from radprompt.review.desk import Desk
from radprompt.review.worklist import Worklist
from radprompt.tables.cohort import write_cohort

ROOT = Path(__file__).parents[3]
TABLE, FEATURES = f"data/masks/{DATASET}.csv", f"data/features/{DATASET}.csv"

FEATURES_HERE = ["shape_Sphericity", "shape_PixelSurface", "firstorder_Mean"]


@pytest.fixture
def repository(study: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The study as the working directory, with a segmenter that draws what it drew before."""
    for name in ("params.yaml", "settings.yaml"):
        shutil.copy(ROOT / name, study)
    text = (study / "params.yaml").read_text(encoding="utf-8")
    (study / "params.yaml").write_text(text.replace("backend: loky", "backend: threading"), encoding="utf-8")
    monkeypatch.chdir(study)
    kept = {path.stem: read_mask(path) for path in Path(f"data/masks/{DATASET}").iterdir()}
    lesions = pd.read_csv(f"data/lesions/{DATASET}.csv")
    name_of = {tuple(row[["xmin", "ymin", "xmax", "ymax"]]): row["lesion_id"] for _, row in lesions.iterrows()}

    class Recalling:
        def draw(self, pixels, box, threshold):
            return Drawing(kept[name_of[tuple(box)]], "nnunet", "", 0.87654)

    monkeypatch.setattr(Segmenter, "load", lambda folder: Recalling())
    return study


def at_work(study: Path, reader: str = "ann") -> Desk:
    return Desk(Worklist(study, DATASET), reader)


def wide(desk: Desk, lesion_id: str) -> np.ndarray:
    """The drawn contour with a strip more on its right."""
    drawn = desk.state(lesion_id).current
    return drawn | np.roll(drawn, 6, axis=1)


def test_the_next_run_takes_corrections_and_excludes_the_unusable(repository, run_stage):
    run_stage("masks", DATASET)
    run_stage("features", DATASET)
    before, first = Path(TABLE).read_bytes(), pd.read_csv(FEATURES, index_col="lesion_id")
    desk = at_work(repository)
    mask = wide(desk, "p1_CC")
    desk.accept("p1_CC", mask, 5, desk.state("p1_CC").revision)
    desk.accept("p1_MLO", desk.state("p1_MLO").current, 5, desk.state("p1_MLO").revision)
    desk.exclude("p2_CC", "Not a mass", 5, desk.state("p2_CC").revision)
    run_stage("masks", DATASET)
    run_stage("features", DATASET)
    table = pd.read_csv(TABLE, keep_default_na=False).set_index("lesion_id")
    assert table["source"].to_dict() == {name: "review" if name == "p1_CC" else "nnunet" for name in first.index}
    assert table["unusable"][table["unusable"] != ""].to_dict() == {"p2_CC": "reader ann: Not a mass"}
    assert table["certainty"].to_dict()["p1_MLO"] == "0.877"
    assert (table.loc["p1_CC", "certainty"], table.loc["p1_CC", "area_px"]) == ("", mask.sum())
    np.testing.assert_array_equal(read_mask(f"data/masks/{DATASET}/p1_CC.png"), mask)
    second = pd.read_csv(FEATURES, index_col="lesion_id")
    assert set(first.index) - set(second.index) == {"p2_CC"}
    excluded = pd.read_csv(f"data/features/{DATASET}_exclusions.csv")
    assert excluded[["record", "reason"]].to_numpy().tolist() == [["p2_CC", "unusable to reader ann: Not a mass"]]
    changed = (first.loc[second.index] != second).any(axis=1)
    assert changed[changed].index.tolist() == ["p1_CC"]
    # Everything taken back, everything is as it was.
    desk = at_work(repository)
    for name in ("p1_CC", "p1_MLO", "p2_CC"):
        desk.withdraw(name, desk.state(name).revision)
    run_stage("masks", DATASET)
    assert Path(TABLE).read_bytes() == before


SETTINGS = """\
halved: []
explained: [vindr]
measured: [vindr_mammo]
data_sets: {vindr_mammo: {title: VinDr-Mammo, short: VinDr}}
settings:
  vindr:
    title: VinDr-Mammo
    paper: null
    train: vindr_mammo/train
    val: vindr_mammo/val
    test: vindr_mammo/test
    start: pretrained
    trains: true
    selection: vindr
"""


@pytest.fixture
def cohort(repository: Path) -> Path:
    """The study with one setting: two patients train, the third one tests."""
    Path("settings.yaml").write_text(SETTINGS, encoding="utf-8")
    lesions = pd.read_csv(f"data/lesions/{DATASET}.csv")
    rows = lesions.assign(repeat=0, dataset=DATASET, label=(lesions["view"] == "CC").astype(int))
    rows["split"] = rows["patient_id"].map({"patient1": "train", "patient2": "train", "patient3": "test"})
    write_cohort("data/cohorts/vindr.csv", rows)
    return repository


def test_without_a_reader_the_comparison_is_empty_and_says_so(cohort, run_stage, capsys):
    run_stage("masks", DATASET)
    run_stage("features", DATASET)
    run_stage("readers")
    assert json.loads(Path("metrics/readers.json").read_text()) == {"data_sets": {}, "auc": {}}
    assert len(pd.read_csv("metrics/readers.csv")) == 0
    assert "no reader has decided on a contour; both tables are empty" in capsys.readouterr().out


def test_two_readers_are_compared_and_the_auc_before_and_after_is_given(cohort, run_stage):
    run_stage("masks", DATASET)
    run_stage("features", DATASET)
    before = pd.read_csv(FEATURES, index_col="lesion_id")
    ann, ben = at_work(cohort), at_work(cohort, "ben")
    for name in ("p1_CC", "p2_MLO", "p3_CC"):
        ann.accept(name, wide(ann, name), 4000, ann.state(name).revision)
        ben.accept(name, ben.state(name).current, 2000, ben.state(name).revision)
    ann.exclude("p3_MLO", "Not a mass", 5, ann.state("p3_MLO").revision)
    ben.accept("p3_MLO", ben.state("p3_MLO").current, 2000, ben.state("p3_MLO").revision)
    ben.accept("p1_MLO", wide(ben, "p1_MLO"), 2000, ben.state("p1_MLO").revision)
    ann.withdraw("p3_MLO", ann.state("p3_MLO").revision)  # the test needs both classes
    run_stage("masks", DATASET)
    run_stage("features", DATASET)
    after = pd.read_csv(FEATURES, index_col="lesion_id")
    run_stage("readers")
    written = Path("metrics/readers.json").read_bytes(), Path("metrics/readers.csv").read_bytes()
    content, table = json.loads(written[0]), pd.read_csv("metrics/readers.csv")
    found = content["data_sets"][DATASET]
    assert (found["lesions"], found["accepted"], found["corrected"]) == (5, 1, 4)
    assert [found["readers"][name]["corrected"] for name in ("ann", "ben")] == [3, 1]
    (pair,) = found["pairs"]
    drawn = {name: read_mask(f"{FOLDER}/drawn/{name}.png") for name in ("p1_CC", "p2_MLO", "p3_CC")}
    likeness = [dice(mask, mask | np.roll(mask, 6, axis=1)) for mask in drawn.values()]
    assert (pair["first"], pair["second"], pair["lesions"], pair["contours"], pair["measured"]) == (
        "ann",
        "ben",
        3,
        3,
        3,
    )
    assert (pair["dice"], pair["lowest_dice"]) == pytest.approx((np.median(likeness), min(likeness)))
    # Ann's contours are the pipeline's, ben's are as drawn: the features of both are known from the two runs.
    names = [*drawn]
    values = np.stack([after.loc[names, FEATURES_HERE], before.loc[names, FEATURES_HERE]], axis=1)
    rows = table[table["comparison"] == "ann and ben"].set_index("feature")
    assert rows["icc"][FEATURES_HERE].tolist() == pytest.approx(intraclass_between(values).icc.tolist(), rel=1e-6)
    assert found["corrections"]["contours"] == found["corrections"]["measured"] == 4
    assert set(table["comparison"]) == {"ann and ben", "drawn and corrected"}
    auc = content["auc"]["vindr"]
    assert (auc["corrected"], auc["trained"], auc["tested"], auc["repeats"]) == (4, 3, 1, 1)
    for which, features in (("before", before), ("after", after)):
        assert auc[which] == auc_of(features)
    run_stage("readers")
    assert written == (Path("metrics/readers.json").read_bytes(), Path("metrics/readers.csv").read_bytes())


def auc_of(features: pd.DataFrame) -> float:
    """AUC of the quick model on the two lesions of the test, straight from a table of features."""
    rows = pd.read_csv("data/cohorts/vindr.csv").set_index("lesion_id")
    train, test = rows[rows["split"] == "train"], rows[rows["split"] == "test"]
    model = Conventional("normal_scores_logistic", load_params().baselines, load_params().seed)
    model.fit(features.loc[train.index], train["label"].to_numpy())
    scores = dict(zip(test["label"], model.predict_proba(features.loc[test.index])[:, 1], strict=True))
    return float(scores[1] > scores[0]) + 0.5 * (scores[1] == scores[0])


def test_the_drawn_contour_can_be_restored_after_a_run(repository, run_stage):
    drawn = read_mask(f"data/masks/{DATASET}/p1_CC.png")
    desk = at_work(repository)
    desk.accept("p1_CC", wide(desk, "p1_CC"), 5, desk.state("p1_CC").revision)
    run_stage("masks", DATASET)
    state = at_work(repository).state("p1_CC")
    np.testing.assert_array_equal(state.drawn, drawn)
    assert state.origin == "own"


def test_a_second_readers_verdict_does_not_exclude(repository, run_stage):
    ann, ben = at_work(repository), at_work(repository, "ben")
    ann.accept("p1_CC", ann.state("p1_CC").current, 5, ann.state("p1_CC").revision)
    ben.exclude("p1_CC", "Motion blur", 5, ben.state("p1_CC").revision)
    run_stage("masks", DATASET)
    assert (pd.read_csv(TABLE, keep_default_na=False)["unusable"] == "").all()


def test_a_drawn_contour_that_changed_since_it_was_accepted_is_said(repository, run_stage, monkeypatch, capsys):
    desk = at_work(repository)
    desk.accept("p1_CC", desk.state("p1_CC").current, 5, desk.state("p1_CC").revision)
    run_stage("masks", DATASET)
    assert "differ from what a reader accepted" not in capsys.readouterr().out
    other = np.zeros(GRID.shape, bool)
    other[100:140, 100:140] = True
    fake = type("Other", (), {"draw": lambda self, *_: Drawing(other, "nnunet", "", 0.9)})
    monkeypatch.setattr(Segmenter, "load", lambda folder: fake())
    run_stage("masks", DATASET)
    assert "1 contours differ from what a reader accepted" in capsys.readouterr().out


def test_rows_and_masks_that_contradict_each_other_stop_the_stage(repository, run_stage):
    desk = at_work(repository)
    desk.accept("p1_CC", wide(desk, "p1_CC"), 5, desk.state("p1_CC").revision)
    desk.accept("p1_MLO", desk.state("p1_MLO").current, 5, desk.state("p1_MLO").revision)
    before = Path(TABLE).read_bytes()
    Path(FOLDER, "p1_CC.png").rename(Path(FOLDER, "p1_MLO.png"))
    with pytest.raises(InputError) as refused:
        run_stage("masks", DATASET)
    assert "p1_CC: corrected by ann, but there is no p1_CC.png" in refused.value.what
    assert "p1_MLO: accepted by ann, but there is a p1_MLO.png" in refused.value.what
    assert refused.value.where == f"{FOLDER}/reviews.csv"
    assert Path(TABLE).read_bytes() == before


def test_a_correction_by_hand_without_a_row_is_taken_as_before(repository, run_stage):
    by_hand = np.zeros(GRID.shape, bool)
    by_hand[300:340, 200:260] = True
    write_mask(Path(FOLDER, "p1_CC.png"), by_hand)
    run_stage("masks", DATASET)
    assert pd.read_csv(TABLE).set_index("lesion_id").loc["p1_CC", "source"] == "review"


def test_features_of_an_older_mask_table_say_what_to_run(repository, run_stage, older_table):
    with pytest.raises(InputError, match=r"(?s)column 'unusable' missing.*dvc repro masks"):
        run_stage("features", DATASET)


def test_a_decision_reruns_the_masks_and_a_draft_does_not():
    repo = Repo(ROOT)
    deps = {
        stage.addressing: {Path(dep.fs_path).relative_to(ROOT).as_posix() for dep in stage.deps if dep.fs_path}
        for stage in repo.index.stages
    }
    assert FOLDER in deps[f"masks@{DATASET}"]
    assert f"data/masks/{DATASET}.csv" in deps[f"features@{DATASET}"]
    drafts = [f"{FOLDER}/.drafts/ann/p1_CC.png", f"{FOLDER}/.reviews.csv.lock"]
    written = [f"{FOLDER}/reviews.csv", f"{FOLDER}/p1_CC.png", f"{FOLDER}/readers/ann/p1_CC.png"]
    ignored = {path: repo.dvcignore.check_ignore(str(ROOT / path)).match for path in [*drafts, *written]}
    assert ignored == dict.fromkeys(drafts, True) | dict.fromkeys(written, False)

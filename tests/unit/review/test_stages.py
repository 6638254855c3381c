"""What the pipeline makes of a reader's decisions."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from dvc.repo import Repo
from review_study import DATASET, FOLDER, GRID

from radprompt.core.errors import InputError
from radprompt.mammograms.imaging.contours import read_mask, write_mask
from radprompt.mammograms.segmentation.segmenter import Drawing, Segmenter
from radprompt.review.desk import Desk
from radprompt.review.worklist import Worklist

ROOT = Path(__file__).parents[3]
TABLE, FEATURES = f"data/masks/{DATASET}.csv", f"data/features/{DATASET}.csv"


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

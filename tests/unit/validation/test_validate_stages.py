"""One wrong value in an artefact stops the right stage, which names suite, row and lesion and leaves its outputs."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from radprompt.core.errors import InputError
from radprompt.mammograms.imaging.contours import read_mask, write_mask

pytestmark = pytest.mark.slow

VINDR, INBREAST = "data/features/vindr_mammo.csv", "data/lesions/inbreast.csv"
LESIONS = "data/lesions/vindr_mammo.csv"
PROMPTS, PREDICTIONS = "data/prompts/vindr.jsonl", "data/predictions/vindr/llm.csv"
LEARNT = "models/language_model/vindr/repeat_0_seed_2025/lesions.json"


def cell(path, row, column, value):
    """Return what puts a value into a cell (row 1 = first after the header)."""

    def spoil():
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
        table.loc[row - 1, column] = value
        table.to_csv(path, index=False)

    return spoil


def several(*spoilers):
    """Return what spoils in several ways."""
    return lambda: [spoil() for spoil in spoilers]


def line(path, number, **changes):
    """Return what changes keys of a line of JSON."""

    def spoil():
        rows = [json.loads(text) for text in Path(path).read_text().splitlines()]
        rows[number - 1] |= changes
        Path(path).write_text("".join(json.dumps(row) + "\n" for row in rows))

    return spoil


def known(patient, split):
    """Return what gives a patient an official split."""

    def spoil():
        with open("data/phantom/raw/vindr_mammo/finding_annotations.csv", "a") as table:
            table.write(f"{patient},{split}\n")

    return spoil


def mask(name, change):
    """Return what changes the pixels of a mask of VinDr-Mammo."""

    def spoil():
        path = Path(f"data/masks/vindr_mammo/{name}.png")
        write_mask(path, change(read_mask(path)))

    return spoil


def rename(old, new):
    """Return what renames a feature in the third prompt."""

    def spoil():
        rows = [json.loads(text) for text in Path(PROMPTS).read_text().splitlines()]
        line(PROMPTS, 3, prompt=rows[2]["prompt"].replace(old, new))()

    return spoil


def dropped_row(path, row):
    """Return what takes a row out."""

    def spoil():
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
        table.drop(index=row - 1).to_csv(path, index=False)

    return spoil


def learnt_from_a_tested_lesion():
    content = json.loads(Path(LEARNT).read_text())
    content["val"].append("vindr_mammo_test_2")
    Path(LEARNT).write_text(json.dumps(content))


def copied_row():
    table = pd.read_csv(VINDR, dtype=str)
    table.iloc[4, 1:] = table.iloc[2, 1:]
    table.to_csv(VINDR, index=False)


def moved(pixels):
    return np.roll(pixels, 40, axis=0)


CORRUPTIONS = {
    "feature beyond its definition": (
        cell(VINDR, 3, "shape_Sphericity", "1.2"),
        ("features",),
        ("features_vindr_mammo", "row 3", "vindr_mammo_train_2", "shape_Sphericity = 1.2", "at most 1"),
    ),
    "features no finite numbers": (
        several(
            cell(VINDR, 2, "firstorder_Skewness", "inf"),
            cell(VINDR, 3, "glcm_Id", ""),
            cell(VINDR, 5, "glszm_ZoneVariance", "n/a"),
        ),
        ("features",),
        (
            "3 expectations not met",
            "firstorder_Skewness is finite: not in 1 row: row 2",
            "glcm_Id is a number: not in 1 row: row 3",
            "glszm_ZoneVariance is a number: not in 1 row: row 5",
        ),
    ),
    "features of two lesions alike": (
        copied_row,
        ("features",),
        ("row 3", "row 5", "no two lesions have the same 67 values"),
    ),
    "features missing": (
        dropped_row(VINDR, 4),
        ("features",),
        ("every lesion is measured or excluded", "12 - 0: found 11"),
    ),
    "label of another class": (
        cell(LESIONS, 2, "label", "0"),
        ("lesions",),
        ("lesions_vindr_mammo", "row 2", "vindr_mammo_test_1", "birads = 5, label = 0"),
    ),
    "label of no class": (
        cell(INBREAST, 1, "label", "2"),
        ("lesions",),
        ("lesions_inbreast", "row 1", "label = 2"),
    ),
    "split unknown": (
        cell(LESIONS, 4, "split", "testing"),
        ("lesions",),
        ("row 4", "split = testing", "split is one of train, val, test"),
    ),
    "split of one lesion of a patient": (
        cell(LESIONS, 4, "split", "train"),
        ("lesions",),
        ("no patient is in two splits", "row 3", "row 4"),
    ),
    "split of a patient with one lesion": (
        several(cell(LESIONS, 4, "patient_id", "alone"), cell(LESIONS, 4, "split", "train"), known("alone", "test")),
        ("lesions",),
        ("row 4", "official_split = test, split = train", "lesions_alike = 3, counted_alike = 2"),
    ),
    "label of a mass without BI-RADS": (
        cell("data/lesions/cbis_ddsm.csv", 2, "label", "0"),
        ("lesions",),
        ("lesions_cbis_ddsm", "as many lesions of the row's split and label", "lesions_alike = 3, counted_alike = 2"),
    ),
    "box reversed": (
        cell(LESIONS, 6, "xmax", "1"),
        ("lesions",),
        ("row 6", "xmin < xmax", "xmax = 1"),
    ),
    "box beyond the image": (
        cell(LESIONS, 6, "ymax", "97"),
        ("lesions",),
        ("row 6", "the box ends inside the image (ymax)", "image_rows = 96, ymax = 97"),
    ),
    "lesion twice": (
        cell(LESIONS, 6, "lesion_id", "vindr_mammo_test_0"),
        ("lesions",),
        ("no lesion_id occurs twice", "row 1", "row 6"),
    ),
    "spacing in another unit": (
        cell(LESIONS, 7, "spacing_mm", "70"),
        ("lesions",),
        ("row 7", "spacing_mm = 70"),
    ),
    "mask empty": (
        mask("vindr_mammo_val_1", np.zeros_like),
        ("masks",),
        ("masks_vindr_mammo", "vindr_mammo_val_1", "16 pixels at least", "measured_px = 0"),
    ),
    "mask elsewhere": (
        mask("vindr_mammo_val_1", moved),
        ("masks",),
        ("vindr_mammo_val_1", "leaves its box by 0.5"),
    ),
    "mask of another size": (
        mask("vindr_mammo_val_1", lambda pixels: pixels[:-6]),
        ("masks",),
        ("vindr_mammo_val_1", "as many rows as its image", "rows = 90, image_rows = 96"),
    ),
    "mask of the whole image": (
        mask("vindr_mammo_val_1", np.ones_like),
        ("masks",),
        ("vindr_mammo_val_1", "covers 0.5 of the image at most", "share = 1"),
    ),
    "mask missing": (
        lambda: Path("data/masks/vindr_mammo/vindr_mammo_val_1.png").unlink(),
        ("masks",),
        ("vindr_mammo_val_1", "problem = no such mask"),
    ),
    "prompt with an unknown name": (
        rename("Sphericity", "Roundness"),
        ("prompts",),
        ("prompts_vindr", "row 3", "vindr_mammo_test_2", "unknown_names = Roundness"),
    ),
    "prompt too long": (
        line(PROMPTS, 2, prompt="word " * 31),
        ("prompts",),
        ("row 2", "tokens = 31", "30 tokens"),
    ),
    "prompt with another label": (
        line(PROMPTS, 2, label=0),
        ("prompts",),
        ("row 2", "label = 0, true_label = 1"),
    ),
    "prompt in another split": (
        line(PROMPTS, 2, split="train"),
        ("prompts",),
        ("row 2", "split = train, true_split = test"),
    ),
    "probability above 1": (
        cell(PREDICTIONS, 2, "probability", "1.5"),
        ("predictions", "vindr"),
        ("predictions_vindr", "file llm.csv, row 2", "model llm", "vindr_mammo_test_1", "probability = 1.5"),
    ),
    "predicted label": (
        cell(PREDICTIONS, 2, "label", "0"),
        ("predictions", "vindr"),
        ("row 2", "label = 0, true_label = 1"),
    ),
    "predicted split": (
        cell(PREDICTIONS, 1, "split", "val"),
        ("predictions", "vindr"),
        ("row 1", "split = val, true_split = test"),
    ),
    "prediction missing": (
        dropped_row(PREDICTIONS, 1),
        ("predictions", "vindr"),
        ("runs_vindr", "model llm, seed 2025, repeat 0", "test_lesions = 3, test = 4"),
    ),
    "tested lesion learnt from": (
        learnt_from_a_tested_lesion,
        ("predictions", "vindr"),
        ("learnt_vindr", "vindr_mammo_test_2", "no lesion that the model learnt from is tested"),
    ),
}


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_a_wrong_value_stops_its_stage_and_is_named(study, check, name):
    spoil, (what, *setting), words = CORRUPTIONS[name]
    target = "/".join([what, *setting])
    old = Path(f"data/validation/{target}/passed.json")
    old.parent.mkdir(parents=True)
    old.write_text("old")
    spoil()
    with pytest.raises(InputError) as caught:
        check(f"validate_{what}", *setting)
    for part in words:
        assert part in str(caught.value)
    assert old.read_text() == "old"
    assert not Path(f"metrics/validation/{target}.json").exists()
    failed = Path(f".radprompt/validation/{target}.json")
    assert str(failed) in caught.value.fix
    assert not all(suite["success"] for suite in json.loads(failed.read_text())["suites"])


@pytest.mark.parametrize(
    ("what", "setting"),
    [
        ("lesions", ()),
        ("masks", ()),
        ("features", ()),
        ("prompts", ()),
        ("predictions", ("vindr",)),
        ("predictions", ("inbreast_scratch",)),
    ],
)
def test_a_clean_study_passes_without_a_warning(study, check, counted, what, setting):
    target = "/".join([what, *setting])
    stale = Path(f".radprompt/validation/{target}.json")
    stale.parent.mkdir(parents=True)
    stale.write_text("{}")
    check(f"validate_{what}", *setting)
    suites = counted(target)
    assert all(suite["errors"] == suite["warnings"] == 0 for suite in suites.values()), suites
    assert all(suite["met"] == suite["expectations"] > 3 for suite in suites.values())
    assert json.loads(Path(f"data/validation/{target}/passed.json").read_text()) == {"passed": sorted(suites)}
    assert not stale.exists()


def test_an_ellipse_and_a_mask_in_two_pieces_are_warnings(study, check, counted, capsys):
    cell("data/masks/vindr_mammo.csv", 2, "flag", "empty")()
    name = pd.read_csv("data/masks/vindr_mammo.csv")["lesion_id"][2]

    def cut(pixels):
        pixels = pixels.copy()
        pixels[45] = False
        return pixels

    mask(name, cut)()
    area = int(read_mask(f"data/masks/vindr_mammo/{name}.png").sum())
    cell("data/masks/vindr_mammo.csv", 3, "area_px", str(area))()
    check("validate_masks")
    found = counted("masks")["masks_vindr_mammo"]
    assert (found["errors"], found["warnings"], found["met"]) == (0, 2, found["expectations"] - 2)
    said = capsys.readouterr().out
    assert "warning: the mask is one piece: not in 1 row: row 3" in said
    assert "flag = empty" in said


def test_the_same_tables_give_the_same_bytes(study, check):
    def files():
        return {path: path.read_bytes() for path in Path("data/validation").rglob("*.json")}

    check("validate_lesions")
    first = files()
    check("validate_lesions")
    assert files() == first
    assert len(first) == 6  # three tables, two sets of contours, the gate
    text = b"".join(first.values()).decode()
    assert str(study) not in text
    assert "ge_load_time" not in text
    assert "batch_id" not in text


def test_the_gate_does_not_move_with_the_data(study, check):
    check("validate_lesions")
    gate = Path("data/validation/lesions/passed.json").read_bytes()
    cell(LESIONS, 1, "view", "ML")()
    check("validate_lesions")
    assert Path("data/validation/lesions/passed.json").read_bytes() == gate

"""A whole study: outputs, restarts, one table for one kind of image, and a worker that dies."""

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import made_up
import numpy as np
import pandas as pd
import pytest
import SimpleITK
from PIL import Image
from typer.testing import CliRunner

from radprompt.cli import app
from radprompt.core.compute import parallel_map
from radprompt.core.errors import InputError
from radprompt.core.params import Compute
from radprompt.images import study as studies
from radprompt.images.cases import Case
from radprompt.images.commands import table_command
from radprompt.images.contact_sheets import CAPTION, COLUMNS, CONTOUR, TILE
from radprompt.images.records import measure_each
from radprompt.images.settings import Settings
from radprompt.images.study import CHECKED, EXCLUSIONS, FEATURES, FINISHED, NAMES, QUALITY, SETTINGS, SHEETS, run_study
from radprompt.radiomics_engine import extractor, firstorder
from radprompt.radiomics_engine.checking import sample

pytestmark = pytest.mark.slow

SETTING = Settings({"binWidth": 25}, {"Original": {}}, {"firstorder": None, "shape": None})
ONE = Compute("loky", 1)


def fill(folder: Path, cases: int = 3) -> Path:
    made_up.save(made_up.sphere(), folder / "mask.nrrd")
    rows = []
    for number in range(cases):
        made_up.save(made_up.tissue(number), folder / f"image{number}.nrrd")
        about = {"patient": f"p{number // 2}", "site": "A", "label": ("benign", "malignant")[number % 2]}
        rows.append({"case": f"c{number}", "image": f"image{number}.nrrd", "mask": "mask.nrrd"} | about)
    return made_up.write_table(folder, rows)


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the cases that are measured."""
    seen: list[str] = []
    measured = studies.measure_case

    def count(case: Case, settings: Settings) -> dict[str, Any]:
        seen.append(case.case)
        return measured(case, settings)

    monkeypatch.setattr(studies, "measure_case", count)
    return seen


def test_the_folder_of_a_study(tmp_path: Path) -> None:
    done = run_study(fill(tmp_path), SETTING, tmp_path / "study", ONE)
    features = pd.read_csv(tmp_path / "study" / FEATURES)
    assert list(features)[:4] == ["case", "patient", "site", "label"]
    assert list(features["case"]) == ["c0", "c1", "c2"]
    assert features.shape == (3, 4 + 18 + 14) == done.features.shape
    values = SimpleITK.GetArrayFromImage(made_up.tissue(1))[made_up.sphere_values(made_up.grid()) > 0]
    assert features.loc[1, "original_firstorder_Mean"] == pytest.approx(values.mean())
    quality = pd.read_csv(tmp_path / "study" / QUALITY).set_index("case")
    assert quality.loc["c1", ["voxels", "slices", "components"]].tolist() == [5040, 12, 1]
    assert quality.loc["c1", "volume_mm3"] == pytest.approx(5040 * 0.8 * 0.9 * 2)
    assert quality.loc["c1", ["grey_min", "grey_max"]].tolist() == [values.min(), values.max()]
    names = pd.read_csv(tmp_path / "study" / NAMES).set_index("feature")["name"]
    assert names["original_firstorder_Mean"] == "Mean"
    assert names.is_unique
    assert pd.read_csv(tmp_path / "study" / EXCLUSIONS).empty
    assert json.loads((tmp_path / "study" / SETTINGS).read_text())["setting"] == {"binWidth": 25}


def test_the_contact_sheet_shows_the_middle_slice_with_its_contour(tmp_path: Path) -> None:
    run_study(fill(tmp_path), SETTING, tmp_path / "study", ONE)
    with Image.open(tmp_path / "study" / SHEETS / "page_01.png") as page:
        assert page.size == (COLUMNS * TILE, TILE + CAPTION)
        pixels = np.asarray(page.convert("RGB"))[:TILE, :TILE]
    colour = tuple(int(CONTOUR[place : place + 2], 16) for place in (1, 3, 5))
    drawn = np.argwhere((pixels == colour).all(axis=-1))
    height, width = np.ptp(drawn, axis=0)
    # A sphere's slice is a circle although its pixels are not square; the tile shows 16 mm beside 24.
    assert width == pytest.approx(height, rel=0.1)
    assert len(drawn) > np.pi * 0.8 * width


def test_the_same_cases_give_the_same_bytes_with_one_worker_and_with_two(tmp_path: Path) -> None:
    table = fill(tmp_path)
    run_study(table, SETTING, tmp_path / "first", ONE)
    run_study(table, SETTING, tmp_path / "second", Compute("loky", 2))
    assert content(tmp_path / "first") == content(tmp_path / "second")


def test_finished_cases_are_not_measured_again_unless_something_changed(tmp_path: Path, counted: list[str]) -> None:
    table, out = fill(tmp_path), tmp_path / "study"
    run_study(table, SETTING, out, ONE)
    before = content(out)
    assert counted == ["c0", "c1", "c2"]
    assert run_study(table, SETTING, out, ONE).taken_over == 3
    assert counted == ["c0", "c1", "c2"]
    assert content(out) == before
    made_up.save(made_up.tissue(7), tmp_path / "image1.nrrd")
    os.utime(tmp_path / "image1.nrrd", ns=(1, 1))
    run_study(table, SETTING, out, ONE)
    assert counted[3:] == ["c1"]
    run_study(table, Settings({"binWidth": 5}, SETTING.image_types, SETTING.classes), out, ONE)
    assert counted[4:] == ["c0", "c1", "c2"]
    assert len(list((out / FINISHED).iterdir())) == 3


def test_an_interrupted_study_keeps_what_is_finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table, out = fill(tmp_path), tmp_path / "study"
    measured = studies.measure_case

    def stop(case: Case, settings: Settings) -> dict[str, Any]:
        if case.case == "c2":
            raise KeyboardInterrupt
        return measured(case, settings)

    monkeypatch.setattr(studies, "measure_case", stop)
    with pytest.raises(KeyboardInterrupt):
        run_study(table, SETTING, out, ONE)
    assert not (out / FEATURES).exists()
    monkeypatch.setattr(studies, "measure_case", measured)
    assert run_study(table, SETTING, out, ONE).taken_over == 2


def test_planar_images_among_volumes_are_excluded_by_name(tmp_path: Path) -> None:
    table = fill(tmp_path)
    Image.fromarray(np.arange(900).reshape(30, 30).astype(np.uint16)).save(tmp_path / "flat.png")
    mask = np.zeros((30, 30), np.uint8)
    mask[5:20, 6:22] = 1
    Image.fromarray(mask).save(tmp_path / "flat_mask.png")
    table.write_text(
        table.read_text().replace("label\n", "label,spacing\n") + "flat,flat.png,flat_mask.png,p9,A,benign,0.1\n"
    )
    done = run_study(table, SETTING, tmp_path / "study", ONE)
    assert [(one.case, one.reason.partition(" (")[0]) for one in done.excluded] == [
        ("flat", "27 features where 3 other cases have 32")
    ]
    assert run_study(table, SETTING, tmp_path / "study", ONE).taken_over == 4


def test_without_one_measured_case_earlier_results_stay(tmp_path: Path) -> None:
    table, out = fill(tmp_path), tmp_path / "study"
    run_study(table, SETTING, out, ONE)
    before = (out / FEATURES).read_bytes()
    (tmp_path / "mask.nrrd").unlink()
    with pytest.raises(InputError, match="not one of 3 cases can be measured; the first: c0"):
        run_study(table, SETTING, out, ONE)
    assert (out / FEATURES).read_bytes() == before
    assert len(pd.read_csv(out / EXCLUSIONS)) == 3


def _die(case: Case) -> dict[str, Any]:
    if case.case == "c1":
        os._exit(9)
    return {"features": {}}


def test_a_case_that_ends_its_process_is_an_exclusion(tmp_path: Path) -> None:
    cases = [Case(row, name, tmp_path, tmp_path) for row, name in enumerate(("c0", "c1", "c2"), start=1)]
    outcome = measure_each(cases, _die, [], tmp_path / "finished", Compute("loky", 2), "measuring")
    assert [case.case for case, _ in outcome.records] == ["c0", "c2"]
    assert [(one.case, one.reason) for one in outcome.excluded] == [
        ("c1", "the process that measured it died, mostly for want of memory")
    ]


def test_after_a_case_that_ended_its_process_workers_start_again(tmp_path: Path) -> None:
    two = Compute("loky", 2)
    assert parallel_map(abs, [-1, -2], two, "before", unit="number") == [1, 2]
    cases = [Case(row, name, tmp_path, tmp_path) for row, name in enumerate(("c1", "c0"), start=1)]
    assert len(measure_each(cases, _die, [], tmp_path / "finished", two, "measuring").excluded) == 1
    assert parallel_map(abs, [-3, -4], two, "after", unit="number") == [3, 4]


def test_the_command_says_what_was_done_and_how_to_go_on(tmp_path: Path) -> None:
    table = fill(tmp_path)
    table.write_text(table.read_text() + "c9,image9.nrrd,mask.nrrd,p9,A,benign\n")
    params = tmp_path / "Params.yaml"
    params.write_text("setting: {binWidth: 25, preCrop: true}\nfeatureClass: {firstorder: }\n")
    arguments = ["images", str(table), "--params", str(params), "--out", str(tmp_path / "study"), "--workers", "1"]
    said = CliRunner().invoke(app, arguments)
    assert said.exit_code == 0, said.output
    assert "setting preCrop has no effect" in said.output
    assert "c9 is left out: " in said.output
    assert "no such image" in said.output
    assert "3 cases measured, 18 features each" in said.output
    study = tmp_path / "study"
    assert f"Next: radprompt table {study}/features.csv --label label --id case --group patient" in said.output
    assert "(3 of them earlier)" in CliRunner().invoke(app, arguments).output


def test_the_next_command_names_the_columns_that_tell_cases_apart(tmp_path: Path) -> None:
    table = pd.DataFrame(
        {"case": ["a", "b"], "patient": ["p", "q"], "site": ["A", "A"], "label": ["x", "y"], "f": [1, 2]}
    )
    command = table_command(table, tmp_path / FEATURES, "y")
    assert command[3:] == [
        *("--label", "label", "--id", "case", "--group", "patient", "--ignore", "site", "--positive", "y"),
        *("--out", str(tmp_path / "table")),
    ]
    doubted = table.assign(**{"wavelet-HHH_glcm_MaximumProbability": [0.1, 0.2]})
    assert table_command(doubted, tmp_path / FEATURES, None)[-4:-2] == ["--keep", "*_glcm_MaximumProbability"]
    assert table_command(table.assign(label="x"), tmp_path / FEATURES, None) == []
    assert table_command(table.drop(columns="label"), tmp_path / FEATURES, None) == []


def test_the_fast_engine_is_held_to_pyradiomics_on_a_sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table, settings = fill(tmp_path), replace(SETTING, engine="fast")
    by_fast = run_study(table, settings, tmp_path / "fast", ONE).features
    by_pyradiomics = run_study(table, SETTING, tmp_path / "plain", ONE).features
    pd.testing.assert_frame_equal(by_fast, by_pyradiomics, rtol=1e-9, atol=0)
    assert len(list((tmp_path / "fast" / CHECKED).glob("*.json"))) == 1
    assert not (tmp_path / "plain" / CHECKED).exists()
    assert json.loads((tmp_path / "fast" / SETTINGS).read_text())["engine"] == "fast"

    right = firstorder.first_order
    monkeypatch.setitem(extractor.CLASSES, "firstorder", lambda region: {**(right(region) or {}), "Mean": 7.5})
    (chosen,) = sample(["c0", "c1", "c2"])
    with pytest.raises(InputError, match=rf"original_firstorder_Mean of {chosen}: 7\.5 by fast, "):
        run_study(table, settings, tmp_path / "spoilt", Compute("threading", 1))
    assert not (tmp_path / "spoilt" / FEATURES).exists()

"""Every hostile input ends as ``docs/hostile_input.md`` says, and the stage survives them all at once."""

import json
import re
import runpy
import shutil
from functools import cache
from pathlib import Path

import pandas as pd
import pytest
from hostile_images import IMAGE_TRAPS
from hostile_input import PAGE, Seen, Trial, observe, page, rows_of, trials
from hostile_masks import MASK_TRAPS, READERS

from radprompt.mammograms.datasets import findings
from radprompt.tables.lesions import read_lesions

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]
ROOT = Path(__file__).parents[3]
TRIALS = list(trials())


@pytest.fixture(scope="module")
def see(tmp_path_factory):
    """Run a trial, once in this module."""

    @cache
    def see(trial: Trial) -> Seen:
        folder = tmp_path_factory.mktemp("hostile")
        for parent in (folder, *folder.parents):
            if parent.name.startswith(("pytest-", "popen-")):
                parent.chmod(0o755)  # so that trials as nobody get there
        return observe(trial, folder)

    return see


@pytest.mark.parametrize("trial", TRIALS, ids=lambda trial: f"{trial.data_set}: {trial.input}")
def test_it_ends_in_a_reason_or_an_error_that_names_the_place(trial, see, check):
    seen = see(trial)
    assert seen.happens == trial.happens, seen.message
    assert re.search(trial.reason, seen.message), seen.message
    if seen.found is not None:
        check(seen.found, rows=seen.found.flow["rows"])
        assert all(exclusion.reason and exclusion.row > 0 for exclusion in seen.found.exclusions)


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("trap", MASK_TRAPS, ids=lambda trap: trap.input)
def test_a_mask_is_measured_or_refused_in_words(trap, reader):
    read, wanted = READERS[reader]
    happens, message = read(trap)
    reason = getattr(trap, wanted)
    assert (happens == "read") == (reason == "")
    assert re.search(reason, message)


def test_the_page_shows_what_was_seen(see):
    assert page(rows_of([(trial, see(trial)) for trial in TRIALS])) == PAGE.read_text(encoding="utf-8")


@pytest.fixture
def main(tmp_path, monkeypatch):
    """The stage, in an empty repository beside the data."""
    params = (ROOT / "params.yaml").read_text(encoding="utf-8")
    params = params.replace("root: data/phantom/raw", f"root: {tmp_path}").replace("workers: 2", "workers: 1")
    workplace = tmp_path / "repository"
    workplace.mkdir()
    (workplace / "params.yaml").write_text(params, encoding="utf-8")
    shutil.copy(ROOT / "settings.yaml", workplace)
    monkeypatch.chdir(workplace)
    return runpy.run_path(str(ROOT / "stages" / "lesions.py"))["main"]


def test_the_stage_survives_all_images_at_once(main, vindr):
    for number in range(10):
        vindr.add(f"{number:032x}", f"{number:032x}", finding_birads=f"BI-RADS {3 + number % 2}")
    traps = [trap for trap in IMAGE_TRAPS if trap.reason and not trap.as_nobody and not trap.slow]
    for number, trap in enumerate(traps, start=100):
        vindr.add(f"{number:032x}", f"{number:032x}")
        trap.spoil(vindr.root / "images" / f"{number:032x}" / f"{number:032x}.dicom")
    vindr.write()
    main("vindr_mammo")
    folder = Path("data/lesions")
    assert len(read_lesions(folder / "vindr_mammo.csv")) == 10
    reasons = pd.read_csv(folder / "vindr_mammo_exclusions.csv")["reason"]
    unlike = [reason for trap, reason in zip(traps, reasons, strict=True) if not re.search(trap.reason, reason)]
    assert unlike == []
    flow = json.loads((folder / "vindr_mammo_flow.json").read_text(encoding="utf-8"))
    assert flow["rows"] == 10 + len(traps)
    assert flow["excluded: image unusable"] + flow["excluded: image missing"] == len(traps)


def test_an_interruption_leaves_the_outputs_as_they_were(main, inbreast, monkeypatch):
    for number in range(8):
        inbreast.add(str(number), f"p{number}", "3" if number % 2 else "5", [("Mass", [(10, 8), (30, 8), (10, 38)])])
    inbreast.write()
    main("inbreast")
    folder = Path("data/lesions")
    written = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert len(written) == 11

    def interrupted(path, mask):
        Path(path).write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(findings, "write_mask", interrupted)
    with pytest.raises(KeyboardInterrupt):
        main("inbreast")
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == written

"""The whole: green on the demo, red on an empty clinical folder."""

import builtins
import json
import os
import subprocess
import sys

import pytest

from radprompt.core.timing import duration
from radprompt.repository.doctor import display
from radprompt.repository.doctor.diagnosis import diagnose
from radprompt.repository.profiles import apply_profile


def run(folder, *arguments):
    return subprocess.run(
        [sys.executable, "-c", "from radprompt.cli import main; main()", "doctor", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        env=os.environ | {"COLUMNS": "120", "NO_COLOR": "1"},
    )


@pytest.fixture
def clinical(repository):
    apply_profile(repository / "profiles" / "clinical.yaml", repository / "params.yaml")
    return repository


def test_the_demo_that_was_never_built_is_green(repository, laptop):
    found = diagnose(repository / "params.yaml", here=laptop)
    assert found.green, [f for f in found.findings if f.state == "error"]
    assert [f.found for f in found.findings if f.area == "data"] == ["synthetic, not drawn yet"] * 3


def test_an_empty_clinical_folder_lists_what_is_missing_and_where_to_get_it(clinical, laptop):
    found = diagnose(clinical / "params.yaml", here=laptop)
    assert not found.green
    missing = {f.subject: f for f in found.findings if f.state == "error"}
    assert set(missing) == {"CBIS-DDSM", "VinDr-Mammo", "INbreast", "models/Llama-2-7b-hf", "GPU", "memory"}
    for name, words in {
        "CBIS-DDSM": ["Cancer Imaging Archive", "CC BY 3.0", "164 GB"],
        "VinDr-Mammo": ["PhysioNet", "never redistribute", "340 GB"],
        "INbreast": ["on request", "never redistribute"],
        "models/Llama-2-7b-hf": ["hf download"],
    }.items():
        assert all(word in missing[name].fix for word in words), missing[name].fix


def test_the_command_ends_in_1_and_its_json_says_the_same(clinical, times):
    told = run(clinical, "--json")
    assert told.returncode == 1, told.stderr
    content = json.loads(told.stdout)
    assert content["green"] is False
    assert "Cancer Imaging Archive" in content["findings"][0]["fix"]
    assert "on the machine that measured them, scaled by rows, epochs and tokens: 2 cores" in content["basis"]
    assert {e["name"] for e in content["estimates"]} >= {"segmenter", "language_model", "report"}
    assert content["total_seconds"] == pytest.approx(sum(e["seconds"] for e in content["estimates"]), abs=20)


def test_the_table_shows_every_check_and_stage(clinical, times, workstation, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")
    found = diagnose(clinical / "params.yaml", here=workstation)
    display.show(found, print)
    shown = capsys.readouterr().out
    assert all(finding.subject in shown for finding in found.findings)
    assert all(stage.name in shown for stage in found.costs.stages)
    assert "4 of 16 checks: missing or wrong; 1 to mind" in shown


def test_two_ways_to_resample_are_found_before_anything_runs(repository, laptop):
    params = repository / "params.yaml"
    text = params.read_text(encoding="utf-8")
    text = text.replace("downsample: 1 ", "downsample: 3 ").replace("resample_mm: null", "resample_mm: 0.1")
    params.write_text(text, encoding="utf-8")
    (wrong,) = [f for f in diagnose(params, here=laptop).findings if f.state == "error"]
    assert "downsample and resample_mm" in wrong.found


def test_a_layer_that_the_backbone_has_not_is_found_before_anything_runs(repository, laptop):
    params = repository / "params.yaml"
    text = params.read_text(encoding="utf-8").replace("  readout: features", "  readout: closing")
    params.write_text(text.replace("closing_layer: 4", "closing_layer: 31"), encoding="utf-8")
    (wrong,) = [f for f in diagnose(params, here=laptop).findings if f.state == "error"]
    assert wrong.found == "closing_layer is 31; the backbone has 30 layers"


def test_without_rich_the_same_is_said_in_plain_lines(repository, times, laptop, monkeypatch):
    found, lines = diagnose(repository / "params.yaml", here=laptop), []
    real = builtins.__import__

    def without_rich(name, *rest):
        if name.startswith("rich"):
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without_rich)
    display.show(found, lines.append)
    assert lines[-1].startswith(f"All {len(found.findings)} checks passed")
    assert any(line.startswith("ok") and "VinDr-Mammo: synthetic, not drawn yet" in line for line in lines)
    assert any("language_model" in line and "10 s" in line for line in lines)
    assert "  in all 7 min" in lines


def test_without_measured_times_the_checks_are_shown_and_no_time(repository, laptop, capsys):
    found = diagnose(repository / "params.yaml", here=laptop)
    display.show(found, print)
    shown = capsys.readouterr().out
    assert "docs/stage_times.csv is not there" in " ".join(shown.split())
    assert "in all" not in shown
    assert json.loads(display.as_json(found))["estimates"] == []


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(4.4, "4 s"), (89, "89 s"), (91, "2 min"), (5400, "1.5 h"), (86400, "24 h"), (200_000, "2.3 days")],
)
def test_durations_as_people_say_them(seconds, words):
    assert duration(seconds) == words

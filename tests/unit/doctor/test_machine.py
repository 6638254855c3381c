"""Cards, memory and disk against what is needed."""

from dataclasses import replace

import pytest

from radprompt.repository.doctor import machine


def test_without_a_card_a_small_model_computes_on_the_cpu(laptop):
    found = machine.check_gpu(laptop, "auto", 2.0, required=False)
    assert found.state == "ok"
    assert "without CUDA" in found.found


@pytest.mark.parametrize(("device", "required"), [("auto", True), ("cuda", False)])
def test_without_a_card_a_large_model_or_cuda_is_an_error(laptop, device, required):
    found = machine.check_gpu(laptop, device, 20.0, required=required)
    assert found.state == "error"
    assert "make setup TORCH" in found.fix
    assert ("training takes about 20.0 GB" in found.found) is required
    assert ("`dvc repro names named baselines` first" in found.fix) is required


@pytest.mark.parametrize(
    ("needed", "state"), [(20.0, "ok"), (23.5, "warning"), (26.0, "error")], ids=["fits", "tight", "too much"]
)
def test_what_training_takes_is_held_against_the_card(workstation, needed, state):
    found = machine.check_gpu(workstation, "auto", needed, required=True)
    assert found.state == state
    assert f"{needed:.1f} GB" in found.found
    assert (found.fix == "") is (state == "ok")


def test_a_card_that_others_use_is_an_error(workstation):
    busy = replace(workstation, gpu=replace(workstation.gpu, free_gb=3.0))
    found = machine.check_gpu(busy, "auto", 20.0, required=True)
    assert found.state == "error"
    assert "nvidia-smi" in found.fix


def test_memory_advice_fits_the_stage_that_needs_most(laptop):
    assert machine.check_memory(laptop, {"segmenter": 12.0, "language_model": 3.0}).state == "ok"
    for stage, key in {"segmenter": "segmentation.", "language_model": "llm."}.items():
        found = machine.check_memory(laptop, {"segmenter": 12.0, "language_model": 3.0} | {stage: 30.0})
        assert (found.state, found.found) == ("error", f"24 GB; {stage} takes about 30.0 GB")
        assert key in found.fix


def test_memory_advice_names_every_stage_that_does_not_fit(laptop):
    found = machine.check_memory(laptop, {"segmenter": 30.0, "language_model": 40.0})
    assert found.found == "24 GB; segmenter takes about 30.0 GB, language_model takes about 40.0 GB"
    assert found.fix.startswith("segmenter: lower segmentation.roi_size; language_model: lower llm.batch_size")


def test_where_nothing_is_trained_a_card_is_not_asked_for(laptop, workstation):
    for here, name in ((laptop, "none"), (workstation, "NVIDIA GeForce RTX 4090")):
        found = machine.check_gpu(here, "auto", 0.0, required=True)
        assert (found.state, found.found) == ("ok", f"{name}; no language model is trained")


def test_both_disks(laptop):
    disk, temporary = machine.check_disk(replace(laptop, temporary_gb=5.0), 100.0, 19.5)
    assert (disk.state, temporary.state) == ("ok", "error")
    assert "TMPDIR" in temporary.fix


def test_a_build_without_cuda_is_not_imported(monkeypatch, tmp_path):
    monkeypatch.setattr(machine, "version", lambda _: "2.13.0+cpu")
    monkeypatch.setitem(__import__("sys").modules, "torch", None)  # an import would fail
    found = machine.probe(tmp_path, "auto")
    assert found.gpu is None
    assert found.no_gpu == "torch 2.13.0+cpu is a build without CUDA"
    assert machine.probe(tmp_path, "cpu").no_gpu == "llm.device is cpu"
    assert found.cores >= 1
    assert found.memory_gb > 0.1

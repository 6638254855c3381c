"""Costs: measured times come out again for the run that was measured, and grow with what a run has more of."""

import runpy
from dataclasses import replace
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from radprompt.core.errors import InputError
from radprompt.core.outputs import write_json
from radprompt.core.params import Params, load_params
from radprompt.core.timing import settings_digest
from radprompt.repository.doctor import memory
from radprompt.repository.doctor.costs import scaled
from radprompt.repository.doctor.scaling import Amount, amounts
from radprompt.repository.doctor.shape import LLAMA2_7B, SMOLLM2
from radprompt.repository.doctor.stage_times import FILE, read_stage_times, stage_descriptions
from radprompt.repository.doctor.workload import prompt_tokens, workload
from radprompt.repository.profiles import apply_profile
from radprompt.study.settings import load_settings

ROOT = Path(__file__).parents[3]
SETTINGS = load_settings(ROOT / "settings.yaml")
collect = runpy.run_path(str(ROOT / "docs/tools/stage_times.py"))["collect"]


@pytest.fixture
def demo() -> Params:
    return load_params(ROOT / "params.yaml")


@pytest.fixture
def clinical(repository) -> Params:
    apply_profile(ROOT / "profiles" / "clinical.yaml", repository / "params.yaml")
    return load_params(repository / "params.yaml")


def costs(params, times, shape=SMOLLM2):
    grows = amounts(params, workload(params, SETTINGS), SETTINGS, shape)
    return scaled(stage_descriptions(ROOT, phantom=True), times, grows)


def seconds(params, times, stage, shape=SMOLLM2):
    return next(cost.seconds for cost in costs(params, times, shape).stages if cost.name == stage)


def test_the_stages_are_those_of_the_pipeline_in_its_order(demo, times):
    written = list(YAML(typ="safe").load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"])
    assert [cost.name for cost in costs(demo, times).stages] == ["phantom", *written]
    assert list(stage_descriptions(ROOT, phantom=False)) == written


def test_whatever_is_scaled_is_a_stage(demo):
    grows = amounts(demo, workload(demo, SETTINGS), SETTINGS, SMOLLM2)
    assert set(grows) <= set(stage_descriptions(ROOT, phantom=True))


def test_the_run_that_was_measured_takes_what_was_measured(demo, times):
    found = costs(demo, times)
    assert [cost.seconds for cost in found.stages] == pytest.approx([10.0] * 39)
    assert found.unknown == []
    assert found.measured_on == "2 cores with avx2, amx_bf16, 15.6 GB"


def test_rows_epochs_tokens_and_draws_count(demo, times):
    evaluation = replace(demo.evaluation, bootstrap_draws=4000)
    assert seconds(replace(demo, evaluation=evaluation), times, "evaluate") == pytest.approx(20)
    segmentation = replace(demo.segmentation, epochs=60)
    assert seconds(replace(demo, segmentation=segmentation), times, "segmenter") == pytest.approx(30)
    assert seconds(replace(demo, explain=replace(demo.explain, lesions=24)), times, "explain") == pytest.approx(20)
    double = replace(demo, phantom=replace(demo.phantom, rows=demo.phantom.rows * 2))
    assert seconds(double, times, "lesions") == pytest.approx(20)
    short = replace(demo, features=replace(demo.features, count=4))
    assert seconds(short, times, "language_model") == pytest.approx(10 * (16 + 4 * 18) / (16 + 8 * 18))


def test_a_language_models_amount_by_hand(demo):
    """168 VinDr lesions learn; a half has 44 and 11; trained tokens count four times in two layers."""
    work, settings = workload(demo, SETTINGS), SETTINGS
    assert [work.counts["vindr_mammo", split] for split in ("train", "val", "test")] == [168, 42, 70]
    trained = (168 + 3 * 2 * 44) * demo.llm.epochs * 2 * 4
    read = (280 + (210 + 55) + 3 * 110) * 30
    by_hand = (trained + read) * 160 * SMOLLM2.linear_of_a_layer
    assert amounts(demo, work, settings, SMOLLM2)["language_model"].value == pytest.approx(by_hand)
    assert memory.language_models(demo, settings) == 7


def test_a_model_of_unknown_shape_has_no_time(demo, times):
    found = costs(demo, times, shape=None)
    assert found.unknown == ["language_model", "names", "learning_curve", "explain"]
    assert "Without a measured time: language_model, names" in found.basis
    assert found.seconds == pytest.approx(350)


def test_a_stage_that_was_never_measured_or_measured_by_another_amount_is_named(demo, times):
    rows = {name: row for name, row in times.rows.items() if name != "named"}
    rows["evaluate"] = rows["evaluate"]._replace(grows_with="models")
    assert costs(demo, replace(times, rows=rows)).unknown == ["named", "evaluate"]


def test_a_damaged_file_says_how_to_make_it_again(repository, times):
    assert read_stage_times(repository) == times
    (repository / FILE).write_text("# 2 cores\nstage,seconds\ncode,two\n", encoding="utf-8")
    with pytest.raises(InputError, match="not readable") as refused:
        read_stage_times(repository)
    assert "docs/tools/stage_times.py" in refused.value.fix


@pytest.fixture
def recorded(repository):
    for name, took, peak in (("masks@a", 2.04, 0.5), ("masks@b", 3.01, 0.75), ("report", 1.0, 0.25)):
        record = {"seconds": took, "cpu_seconds": 1.0, "peak_gb": peak, "settings": settings_digest(repository)}
        write_json(repository / ".radprompt/times" / f"{name}.json", record)
    return repository


def test_instances_are_added_up_and_the_largest_peak_is_kept(recorded):
    rows = collect(recorded, ["masks@a", "masks@b", "report"], {"masks": Amount("megapixels", 7.5)})
    assert [tuple(row) for row in rows] == [("masks", 2, 5.0, 0.75, "megapixels", 7.5), ("report", 1, 1.0, 0.25, "", 1)]


def test_times_of_a_part_of_the_pipeline_or_of_other_parameters_are_not_collected(recorded):
    with pytest.raises(InputError, match="1 stages were not timed with these parameters: masks@c"):
        collect(recorded, ["masks@a", "masks@b", "masks@c", "report"], {})
    params = recorded / "params.yaml"
    params.write_text(params.read_text(encoding="utf-8").replace("seed: 2025", "seed: 1"), encoding="utf-8")
    with pytest.raises(InputError, match="2 stages were not timed"):
        collect(recorded, ["masks@a", "report"], {})


def test_the_releases_masses_train_13_million_tokens_a_hundred_epochs(clinical):
    """VinDr-Mammo has 989 and 237 masses of BI-RADS 3 to 5, where the paper has 982 and 235."""
    work = workload(clinical, SETTINGS)
    assert work.counts == {
        ("cbis_ddsm", "train"): 1318,
        ("cbis_ddsm", "test"): 378,
        ("vindr_mammo", "train"): 791,
        ("vindr_mammo", "val"): 198,
        ("vindr_mammo", "test"): 237,
        ("inbreast", "all"): 111,
    }
    assert prompt_tokens(clinical) == 176
    assert work.counts["vindr_mammo", "train"] * 176 * 100 == pytest.approx(13.8e6, rel=0.02)


def test_cbis_alone_validates_on_a_fifth_of_its_training_masses(repository):
    apply_profile(ROOT / "profiles" / "open.yaml", repository / "params.yaml")
    params, settings = load_params(repository / "params.yaml"), load_settings(repository / "settings.yaml")
    work = workload(params, settings)
    assert work.counts == {("cbis_ddsm", "train"): 1054, ("cbis_ddsm", "val"): 264, ("cbis_ddsm", "test"): 378}
    assert work.segmenter_rows == 1318
    assert (work.lesions, work.drawn) == ({"cbis_ddsm": 1696}, {"cbis_ddsm": 378})
    grows = amounts(params, work, settings, SMOLLM2)
    trained = 1054 * params.llm.epochs * 2 * 4
    by_hand = (trained + 1696 * 30) * 160 * SMOLLM2.linear_of_a_layer
    assert grows["language_model"].value == pytest.approx(by_hand)
    absent = {"learning_curve", "named_curve", "drift"}
    assert [grows[name].value for name in absent] == [0, 0, 0]
    found = scaled(stage_descriptions(ROOT, phantom=False), read_stage_times(ROOT), grows)
    assert not absent & {*(cost.name for cost in found.stages), *found.unknown}
    assert "language_model" in {cost.name for cost in found.stages}


def test_without_a_tuned_language_model_only_its_names_are_read(repository):
    apply_profile(ROOT / "profiles" / "laptop.yaml", repository / "params.yaml")
    params = load_params(repository / "params.yaml")
    grows = amounts(params, workload(params, SETTINGS), SETTINGS, SMOLLM2)
    assert [grows[name].value for name in ("language_model", "learning_curve", "explain")] == [0, 0, 0]
    assert grows["names"].value == SMOLLM2.linear
    assert memory.language_models(params, SETTINGS) == 0


def test_names_are_read_by_the_layers_up_to_the_one_read_and_directions_by_all(repository):
    """17 of LLaMA2-7B's 32 layers in bfloat16, embeddings counted in float32; SmolLM2 in float32 throughout."""
    apply_profile(ROOT / "profiles" / "laptop.yaml", repository / "params.yaml")
    params = load_params(repository / "params.yaml")
    half = (2 * 17 * LLAMA2_7B.linear_of_a_layer + 4 * LLAMA2_7B.other) / 1e9
    assert memory.language_model_gb(params, LLAMA2_7B, gpu=False, bf16=False) == pytest.approx(1.5 + half, abs=0.01)
    assert 1.5 + half < 9
    asked = replace(params, named=replace(params.named, elicit="shown"))
    weights = LLAMA2_7B.weights_gb("none", bf16=True)
    assert memory.names_gb(asked, LLAMA2_7B) == pytest.approx(1.5 + weights)
    last = replace(params, named=replace(params.named, layer=30))
    assert memory.names_gb(last, SMOLLM2) == pytest.approx(1.5 + SMOLLM2.weights_gb("none", bf16=False))


def test_llama_trains_in_20_gb_and_in_10_with_4_bits(clinical):
    assert memory.training_gb(clinical, LLAMA2_7B, bf16=True) == pytest.approx(20.4, abs=0.5)
    small = replace(clinical, llm=replace(clinical.llm, backbone=replace(clinical.llm.backbone, quantisation="4bit")))
    saved = memory.training_gb(clinical, LLAMA2_7B, bf16=True) - memory.training_gb(small, LLAMA2_7B, bf16=True)
    assert saved == pytest.approx(13.5 - 3.9, abs=0.1)


def test_regions_of_512_px_are_held_in_memory_and_in_the_temporary_folder(clinical):
    work = workload(clinical, SETTINGS)
    assert memory.segmenter_gb(clinical, work) == pytest.approx(2.5 + 1318 * 4 * 512**2 * 9 / 1e9)
    assert memory.temporary_gb(clinical, work) == pytest.approx(19.6, abs=0.2)

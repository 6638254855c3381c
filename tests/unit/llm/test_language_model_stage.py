"""The stages that train the language model and let it predict: seeds, halves, what goes on from what."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from radprompt.llm.classifier import LanguageModelClassifier
from radprompt.tables.embeddings import read_embeddings
from radprompt.tables.predictions import read_predictions

FIRST, SECOND = "repeat_0_seed_2025", "repeat_0_seed_2026"


@pytest.fixture
def two_seeds(setting_folder: pd.DataFrame, backbone: Path) -> pd.DataFrame:
    shutil.copytree(backbone, "models/backbone")
    params = Path("params.yaml")
    lines = []
    for line in params.read_text(encoding="utf-8").splitlines():
        for key, value in (("  seeds:", 2), ("    layers:", 2), ("  epochs: 8", 3), ("  precision:", "fp32")):
            if line.startswith(key):
                line = f"{line.split(':')[0]}: {value}"
        if line.startswith("    llm:"):
            line = "    llm: 2"
        lines.append(line if not line.startswith("  readout:") else "  readout: last")
    params.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return setting_folder


@pytest.fixture
def halves(two_seeds: pd.DataFrame, settings_folder: pd.DataFrame) -> pd.DataFrame:
    """Two halves of the second site, the same lesions the other way round."""
    return settings_folder


def test_every_seed_predicts_and_is_saved(two_seeds: pd.DataFrame, run_stage: Callable[..., None]) -> None:
    run_stage("language_model", "vindr")
    table = read_predictions(["data/predictions/vindr/llm.csv"], {"vindr": False})
    by_seed = table.pivot_table(index="lesion_id", columns="seed", values="probability")
    assert list(by_seed.columns) == [2025, 2026]
    assert len(by_seed) == 8
    assert (by_seed[2025] - by_seed[2026]).abs().max() > 1e-4

    scored = two_seeds[two_seeds["split"] != "train"].sort_values("lesion_id")
    for name, seed in ((FIRST, 2025), (SECOND, 2026)):
        saved = LanguageModelClassifier.load(f"models/language_model/vindr/{name}")
        np.testing.assert_allclose(by_seed[seed], saved.predict_proba(scored["prompt"].tolist())[:, 1], atol=1e-6)
        kept = read_embeddings(f"models/language_model/vindr/{name}/embeddings.safetensors")
        assert list(kept.index) == two_seeds["lesion_id"].tolist()
        np.testing.assert_allclose(kept.loc[scored["lesion_id"]], saved.embed(scored["prompt"].tolist()), atol=1e-5)

    curve = pd.read_csv("plots/training/vindr/plots/metrics/val_loss.tsv", sep="\t")
    assert curve["step"].tolist() == [1, 2, 3]
    assert not Path(".radprompt/vindr").exists()


def test_two_runs_write_the_same_bytes(two_seeds: pd.DataFrame, run_stage: Callable[..., None]) -> None:
    written = []
    for _ in range(2):
        run_stage("language_model", "vindr")
        folders = ("models/language_model", "data/predictions", "metrics", "plots")
        files = sorted(p for folder in folders for p in Path(folder).rglob("*.*"))
        written.append({p: p.read_bytes() for p in files if p.is_file()})
    assert len(written[0]) >= 14
    assert written[0] == written[1]


def test_adaptation_goes_on_from_the_first_site_and_scratch_does_not(
    halves: pd.DataFrame, run_stage: Callable[..., None]
) -> None:
    run_stage("language_model", "vindr")
    for setting in ("inbreast_adapted", "inbreast_scratch"):
        run_stage("language_model", setting)
    for repeat, seed in ((0, 2025), (1, 2026)):
        rows = halves[halves["repeat"] == repeat]
        train, val = (rows[rows["split"] == split] for split in ("train", "val"))
        test = rows[rows["split"] == "test"].sort_values("lesion_id")
        data = (train["prompt"].tolist(), train["label"], val["prompt"].tolist(), val["label"])
        adapted = LanguageModelClassifier.load(f"models/language_model/vindr/repeat_0_seed_{seed}").adapt(*data)
        scratch = LanguageModelClassifier.load(f"models/language_model/inbreast_scratch/repeat_{repeat}_seed_{seed}")
        for setting, model in (("inbreast_adapted", adapted), ("inbreast_scratch", scratch)):
            table = read_predictions([f"data/predictions/{setting}/llm.csv"], {setting: True})
            own = table[(table["repeat"] == repeat) & (table["seed"] == seed) & (table["split"] == "test")]
            assert own["lesion_id"].tolist() == test["lesion_id"].tolist()
            np.testing.assert_allclose(
                own["probability"], model.predict_proba(test["prompt"].tolist())[:, 1], atol=1e-6
            )
        assert np.abs(adapted.decision_function(data[0]) - scratch.decision_function(data[0])).max() > 1e-3
    scores = pd.read_json("metrics/training/inbreast_adapted.json")["inbreast_adapted"]
    assert scores["runs"] == 4


def test_unadapted_predicts_every_half_by_the_first_sites_model(
    two_seeds: pd.DataFrame, halves: pd.DataFrame, run_stage: Callable[..., None]
) -> None:
    run_stage("language_model", "vindr")
    run_stage("language_model", "inbreast_unadapted")
    table = read_predictions(["data/predictions/inbreast_unadapted/llm.csv"], {"inbreast_unadapted": True})
    model = LanguageModelClassifier.load(f"models/language_model/vindr/{FIRST}")
    fitted = two_seeds.loc[two_seeds["split"] != "test", "lesion_id"]
    for repeat in (0, 1):
        own = table[(table["repeat"] == repeat) & (table["seed"] == 2025) & (table["split"] == "test")]
        rows = halves[(halves["repeat"] == repeat) & (halves["split"] == "test")].sort_values("lesion_id")
        assert own["lesion_id"].tolist() == rows["lesion_id"].tolist()
        np.testing.assert_allclose(own["probability"], model.predict_proba(rows["prompt"].tolist())[:, 1], atol=1e-6)
    trained = read_predictions(["data/predictions/vindr/llm.csv"], {"vindr": False})
    for seed in (2025, 2026):
        for repeat in (0, 1):
            label = f"repeat_{repeat}_seed_{seed}"
            source, copied = (Path(f"models/language_model/{name}") for name in ("vindr", "inbreast_unadapted"))
            source, copied = source / f"repeat_0_seed_{seed}", copied / label
            for name in ("adapter_model.safetensors", "classifier.json", "lesions.json"):
                assert (copied / name).read_bytes() == (source / name).read_bytes()
            own = table[(table["repeat"] == repeat) & (table["seed"] == seed) & (table["split"] == "val")]
            before = trained[(trained["seed"] == seed) & (trained["split"] == "val")]
            assert own["probability"].tolist() == before["probability"].tolist()
            ids = halves.query("repeat == @repeat and split == 'test'")["lesion_id"]
            assert set(read_embeddings(copied / "embeddings.safetensors").index) == set(fitted) | set(ids)

"""Conventional models on the embeddings that the language model's stage has left, of every half and seed."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from radprompt.baselines.embedded import fit_predict_embedded
from radprompt.core.errors import InputError
from radprompt.core.params import load_params
from radprompt.study.settings import load_settings
from radprompt.tables.cohort import ROLES
from radprompt.tables.embeddings import embeddings_of, write_embeddings
from radprompt.tables.predictions import read_predictions

Tables = dict[str, pd.DataFrame]


def two_seeds() -> None:
    text = Path("params.yaml").read_text()
    assert "  seeds: 1\n" in text
    Path("params.yaml").write_text(text.replace("  seeds: 1\n", "  seeds: 2\n"))


def embed(table: pd.DataFrame, setting: str, repeat: int, seed: int) -> Path:
    """Write random embeddings of a half's rows, in an order of their own."""
    ids = table.loc[(table["repeat"] == repeat) & table["split"].isin(ROLES), "lesion_id"].tolist()[::-1]
    path = load_settings()[setting].model_folder(repeat, seed) / "embeddings.safetensors"
    write_embeddings(path, ids, np.random.default_rng([repeat, seed]).normal(size=(len(ids), 6)))
    return path


@pytest.mark.parametrize("setting", ["vindr", "inbreast_unadapted", "inbreast_adapted"])
def test_each_run_is_fitted_on_its_own_embeddings(
    setting: str, tables: Tables, run_stage: Callable[[str, str], None]
) -> None:
    two_seeds()
    params, table = load_params(), tables[setting]
    repeats = [0] if setting == "vindr" else [0, 1]  # as many as the language model has
    paths = {(repeat, seed): embed(table, setting, repeat, seed) for repeat in repeats for seed in params.seeds}
    assert len(paths) == 2 * len(repeats)
    run_stage("embedded_baselines", setting)
    found = read_predictions([f"data/predictions/{setting}/embedded.csv"], {setting: setting != "vindr"})
    assert set(found["model"]) == {f"embedding_{name}" for name in params.baselines.on_embeddings}
    assert set(zip(found["repeat"], found["seed"], strict=True)) == set(paths)
    for (repeat, seed, model), own in found.groupby(["repeat", "seed", "model"]):
        rows = table[(table["repeat"] == repeat) & table["split"].isin(ROLES)].sort_values("lesion_id")
        train, new = rows[rows["split"] == "train"], rows[rows["split"] != "train"]
        assert own["lesion_id"].tolist() == new["lesion_id"].tolist()
        assert own["split"].tolist() == new["split"].tolist()
        assert (own["patient_id"] == "p" + own["lesion_id"]).all()
        X = pd.DataFrame(embeddings_of(rows["lesion_id"], paths[repeat, seed]), rows["lesion_id"])
        expected = fit_predict_embedded(
            model.removeprefix("embedding_"),
            X.loc[train["lesion_id"]].to_numpy(),
            train["label"].to_numpy(),
            X.loc[new["lesion_id"]].to_numpy(),
            params.baselines,
            seed,
        )
        assert own["probability"].to_numpy() == pytest.approx(expected, abs=1e-4)


def test_absent_or_stale_embeddings_are_refused(tables: Tables, run_stage: Callable[[str, str], None]) -> None:
    with pytest.raises(InputError, match="no such embeddings"):
        run_stage("embedded_baselines", "vindr")
    table = tables["vindr"]
    embed(table[table["lesion_id"] != "vi03"], "vindr", 0, load_params().seed)
    with pytest.raises(InputError, match="1 missing, such as 'vi03'"):
        run_stage("embedded_baselines", "vindr")
    assert not Path("data/predictions").exists()

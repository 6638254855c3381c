"""TabICL by its own package, on a network of random weights as small as it goes."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from tabicl import TabICLClassifier
from tabicl._model.tabicl import TabICL

from radprompt.baselines.classical import Conventional, features_of
from radprompt.baselines.tabicl import FILE, REPOSITORY, find_weights, require_weights
from radprompt.baselines.trainings import jobs
from radprompt.core import extras
from radprompt.core.baseline_params import Baselines, TabIcl
from radprompt.core.errors import InputError
from radprompt.core.params import load_params
from radprompt.own_table.folder import check_first

ROOT = Path(__file__).parents[3]
SIZES = {f"{part}_nhead": 2 for part in ("col", "row", "icl")} | {f"{p}_num_blocks": 1 for p in ("col", "row", "icl")}


@pytest.fixture
def params() -> Baselines:
    return load_params(ROOT / "params.yaml").baselines


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> str:
    config = {"embed_dim": 16, "col_num_inds": 4, "zero_init": False, **SIZES}
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "small.ckpt"
    torch.save({"config": config, "state_dict": TabICL(**config).state_dict()}, path)
    return str(path)


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    return tmp_path


def _rows(count: int, seed: int) -> tuple[pd.DataFrame, np.ndarray]:
    random = np.random.default_rng(seed)
    y = np.arange(count) % 2
    return pd.DataFrame(random.normal(size=(count, 4)) + y[:, None], columns=list("abcd")), y


def test_answers_are_the_packages_own_and_repeat(params: Baselines, weights: str) -> None:
    (X, y), (new, _) = _rows(30, 1), _rows(9, 2)
    own = replace(params, tabicl=TabIcl(weights, 3))
    found = [Conventional("tabicl", own, 7).fit(X, y).predict_proba(new) for _ in range(2)]
    by_hand = TabICLClassifier(
        n_estimators=3, model_path=weights, allow_auto_download=False, device="cpu", use_amp=False, random_state=7
    )
    np.testing.assert_allclose(
        found[0], by_hand.fit(X.to_numpy(), y).predict_proba(new.to_numpy()), rtol=1e-5, atol=1e-7
    )
    assert (found[0] == found[1]).all()
    assert np.ptp(found[0][:, 1]) > 0  # the random network tells rows apart
    assert features_of("tabicl", ["a"], list("abcd"), [], "") == list("abcd")


def test_without_weights_a_sentence_says_how(params: Baselines, empty_cache: Path) -> None:
    require_weights(params)  # the model was not asked for
    asked = replace(params, models=["tabicl"])
    with pytest.raises(InputError, match=f"hf download {REPOSITORY} {FILE}"):
        require_weights(asked)
    with pytest.raises(InputError, match=r"no file gone\.ckpt"):
        require_weights(replace(asked, tabicl=TabIcl("gone.ckpt")))


def test_a_stage_refuses_before_it_trains_anything(params: Baselines, empty_cache: Path) -> None:
    study = load_params(ROOT / "params.yaml")
    with pytest.raises(InputError, match="no weights on this machine"):
        jobs([], replace(study, baselines=replace(params, models=["mlp", "tabicl"])), None, 1)


def test_a_table_is_refused_before_its_folder_is_made(tmp_path: Path, empty_cache: Path) -> None:
    _rows(30, 1)[0].assign(y=_rows(30, 1)[1]).to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(InputError, match="no weights on this machine"):
        check_first(tmp_path / "t.csv", {"label": "y"}, None, {"baselines": {"models": ["tabicl"]}})


def test_weights_of_the_cache_are_found(params: Baselines, empty_cache: Path) -> None:
    kept = empty_cache / f"models--{REPOSITORY.replace('/', '--')}"
    (kept / "refs").mkdir(parents=True)
    (kept / "refs/main").write_text("abc")
    (kept / "snapshots/abc").mkdir(parents=True)
    (kept / "snapshots/abc" / FILE).write_bytes(b"")
    assert find_weights(params.tabicl) == kept / "snapshots/abc" / FILE


def test_without_the_package_its_extra_is_named(params: Baselines, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extras, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"radprompt\[rivals\]"):
        require_weights(replace(params, models=["tabicl"]))

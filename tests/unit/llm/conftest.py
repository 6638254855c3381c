"""A LLaMA small enough for a unit test: 4 layers, 32 wide, random weights, a tokenizer of single characters."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from tiny_models import character_tokenizer
from transformers import (
    GPTNeoXConfig,
    GPTNeoXForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
)

from radprompt.llm.backbone import write_backbone
from radprompt.tables.cohort import write_cohort
from radprompt.tables.prompts import write_prompts

LAYERS = 4


@pytest.fixture(autouse=True)
def _one_thread():
    """Spreading matrices of 32 over threads costs more than it saves."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session", params=["llama", "mistral"])
def any_backbone(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _backbone(request.param, tmp_path_factory.mktemp(request.param))


@pytest.fixture(scope="session")
def backbone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _backbone("llama", tmp_path_factory.mktemp("backbone"))


@pytest.fixture(scope="session")
def gpt_neox(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Whose positions count what a layer is given."""
    return _backbone("gpt_neox", tmp_path_factory.mktemp("gpt_neox"))


def _backbone(kind: str, folder: Path) -> Path:
    weights, record = folder / "weights", folder / "record"
    record.mkdir()
    config_class, model_class = {
        "llama": (LlamaConfig, LlamaForCausalLM),
        "mistral": (MistralConfig, MistralForCausalLM),
        "gpt_neox": (GPTNeoXConfig, GPTNeoXForCausalLM),
    }[kind]
    config = config_class(
        vocab_size=128,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=LAYERS,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=512,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=1,
        initializer_range=0.2,
    )
    torch.manual_seed(0)
    model_class(config).save_pretrained(weights)
    character_tokenizer().save_pretrained(weights)
    write_backbone(str(weights), None, record)
    return record


@pytest.fixture
def table() -> tuple[pd.DataFrame, np.ndarray]:
    """Twenty-four rows of three named features; the label follows the first."""
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(rng.normal(size=(24, 3)), columns=["Sphericity", "Mean", "Zone Entropy"])
    return frame, (frame["Sphericity"] > 0).astype(int).to_numpy()


SECOND = "second_"
"""What ids of the second site's lesions begin with."""
SPLITS = ["train"] * 16 + ["val"] * 4 + ["test"] * 4


@pytest.fixture
def setting_folder(configured: Path, table: tuple[pd.DataFrame, np.ndarray]) -> pd.DataFrame:
    """A working directory with params, settings, prompts and cohort of ``vindr``; returns the prompts' rows."""
    X, y = table
    ids = [f"lesion{number:02d}" for number in range(len(X))]
    prompts = [f"Sphericity is {value:.2f}." for value in X["Sphericity"]]
    rows = pd.DataFrame({"repeat": 0, "lesion_id": ids, "split": SPLITS, "prompt": prompts, "label": y})
    write_setting("vindr", rows)
    return rows


def write_setting(name: str, rows: pd.DataFrame) -> None:
    """Write the prompts of a setting and its cohort, as the language model's stage reads them."""
    write_prompts(f"data/prompts/{name}.jsonl", rows)
    cohort = rows.assign(patient_id="p" + rows["lesion_id"], study_id="", image_path="i")
    write_cohort(
        f"data/cohorts/{name}.csv",
        cohort.assign(dataset=np.where(rows["lesion_id"].str.startswith(SECOND), "inbreast", "vindr_mammo")),
    )


@pytest.fixture
def settings_folder(setting_folder: pd.DataFrame) -> pd.DataFrame:
    """The same with three more settings: two halves of the second site, the same lesions the other way round.

    Returns the rows of the second site.
    """
    first = setting_folder.assign(lesion_id=SECOND + setting_folder["lesion_id"])
    turned = first.iloc[::-1].assign(repeat=1, split=first["split"].to_numpy())
    rows = pd.concat([first, turned], ignore_index=True)
    for setting in ("inbreast_adapted", "inbreast_scratch"):
        write_setting(setting, rows)
    fitted = setting_folder[setting_folder["split"] != "test"]
    tested = rows[rows["split"] == "test"]
    write_setting("inbreast_unadapted", pd.concat([fitted, fitted.assign(repeat=1), tested], ignore_index=True))
    return rows

"""A LLaMA small enough for a unit test: 4 layers, 32 wide, random weights, a tokenizer of single characters."""

import shutil
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

from radprompt.core.outputs import write_csv
from radprompt.llm.backbone import write_backbone
from radprompt.tables.lesions import Lesion, to_table
from radprompt.tables.prompts import write_prompts

LAYERS = 4
ROOT = Path(__file__).parents[3]


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


SITE = {"vindr_mammo": "", "inbreast": "second_"}
"""What a data set's lesion ids begin with."""
SPLITS = ["train"] * 16 + ["val"] * 4 + ["test"] * 4


@pytest.fixture
def setting_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, table: tuple[pd.DataFrame, np.ndarray]
) -> pd.DataFrame:
    """A working directory with params, prompts and lesions of the setting ``vindr``; returns the prompts' rows."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(ROOT / "params.yaml", tmp_path)
    X, y = table
    ids = [f"lesion{number:02d}" for number in range(len(X))]
    prompts = [f"Sphericity is {value:.2f}." for value in X["Sphericity"]]
    rows = pd.DataFrame({"repeat": 0, "lesion_id": ids, "split": SPLITS, "prompt": prompts, "label": y})
    write_prompts("data/prompts/vindr.jsonl", rows)
    box = (0, 0, 9, 9)
    for dataset in ("vindr_mammo", "inbreast"):
        lesions = [
            Lesion(
                f"{SITE[dataset]}{key}",
                f"p{key}",
                key,
                dataset,
                "i",
                "CC",
                "L",
                "4",
                int(label),
                split,
                *box,
                "",
                0.1,
                "unknown",
            )
            for key, label, split in zip(ids, y, SPLITS, strict=True)
        ]
        write_csv(f"data/lesions/{dataset}.csv", to_table(lesions))
    return rows

"""Two sites, and a LLaMA small enough for a unit test."""

import string
from pathlib import Path

import pytest
import torch
from simulated_tables import Simulated, simulate
from tokenizers import Regex, Tokenizer, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from radprompt.llm.backbone import write_backbone

LAYERS = 4


@pytest.fixture
def site_a() -> Simulated:
    return simulate(200, 12, 0)


@pytest.fixture
def site_b() -> Simulated:
    return simulate(200, 8, 1, first=100)


@pytest.fixture(scope="session")
def backbone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random weights, 4 layers, 32 wide, one token a character."""
    folder = tmp_path_factory.mktemp("backbone")
    weights, record = folder / "weights", folder / "record"
    record.mkdir()
    vocabulary = {"<pad>": 0, "<unk>": 1} | {letter: i + 2 for i, letter in enumerate(string.printable)}
    letters = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    letters.pre_tokenizer = pre_tokenizers.Split(Regex("."), "isolated")
    PreTrainedTokenizerFast(tokenizer_object=letters, pad_token="<pad>", unk_token="<unk>").save_pretrained(weights)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=128,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=LAYERS,
        num_attention_heads=4,
        num_key_value_heads=2,
        pad_token_id=0,
        initializer_range=0.2,
    )
    LlamaForCausalLM(config).save_pretrained(weights)
    write_backbone(str(weights), None, record)
    return record

"""Models of random weights and a few thousand parameters, of many architectures."""

import string
from pathlib import Path

import torch
from tokenizers import Regex, Tokenizer, models, pre_tokenizers
from transformers import AutoConfig, AutoModelForSequenceClassification, PreTrainedTokenizerFast

SIZES = {
    "vocab_size": 128,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 512,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 1,
    "initializer_range": 0.2,
}
GPT = {"n_embd": 32, "n_layer": 4, "n_head": 4, "n_positions": 512}
TEXT = SIZES | {"head_dim": 8}
VISION = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "image_size": 28,
    "patch_size": 14,
}
ARCHITECTURES = {
    "gpt2": GPT,  # linear layers of its own kind
    "bloom": {"n_layer": 4, "n_head": 4},  # layers that return tuples
    "gpt_neo": {"num_layers": 4, "num_heads": 4, "attention_types": [[["global", "local"], 2]]},
    "gptj": GPT | {"rotary_dim": 4},
    "opt": {"ffn_dim": 64, "word_embed_proj_dim": 32},
    "falcon": {"num_kv_heads": 4},
    "openai-gpt": GPT,  # layers that return lists
    "gemma3": {"text_config": TEXT, "vision_config": VISION},
    "bert": {},
    "llama": {},
}


def character_tokenizer() -> PreTrainedTokenizerFast:
    """Return a tokenizer of single characters."""
    vocabulary = {"<pad>": 0, "<unk>": 1} | {c: i + 2 for i, c in enumerate(string.printable)}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex("."), "isolated")
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<pad>", unk_token="<unk>")


def write_model(folder: Path, kind: str, **changes: object) -> Path:
    """Write a model of random weights and a tokenizer of single characters."""
    given = ARCHITECTURES[kind]
    config = AutoConfig.for_model(kind, **(given if "text_config" in given else SIZES | given) | changes)
    config.num_labels = 1
    torch.manual_seed(0)
    AutoModelForSequenceClassification.from_config(config).save_pretrained(folder)
    character_tokenizer().save_pretrained(folder)
    return folder

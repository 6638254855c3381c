"""Which way a backbone believes a feature to point, from the probabilities of opposed completions."""

import json
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from radprompt.llm.frozen import load_frozen

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

Floats = NDArray[np.float64]


def elicit(backbone: str | Path, names: Sequence[str], outcomes: tuple[str, str]) -> Floats:
    """Return the direction that the backbone asserts for each name, in [-1, 1], shape (names,).

    Every phrasing in ``directions.json`` ends in one of two opposed completions; their probabilities, among the two,
    give a value in [-1, 1]. The same phrasing with the outcomes exchanged is subtracted, so that a preference for one
    word cancels; phrasings are averaged (after Rezaeimanesh and Ghassemi, arXiv 2601.17609).

    Parameters
    ----------
    backbone
        Folder that :func:`radprompt.llm.backbone.write_backbone` filled, or ``smollm2``: the packaged one.
    names
        The features' names.
    outcomes
        Words for the two classes; 1 means that larger values speak for the second.

    Raises
    ------
    InputError
        If there is no backbone.
    """
    import torch
    from tqdm import tqdm

    model, tokenizer = load_frozen(backbone, causal=True)
    phrasings = packaged_phrasings()
    directions = []
    with torch.inference_mode():
        for name in tqdm(names, desc="asking for directions", unit="name", disable=None):
            answers = [
                _preference(model, tokenizer, phrasing, name, outcomes)
                - _preference(model, tokenizer, phrasing, name, outcomes[::-1])
                for phrasing in phrasings
            ]
            directions.append(np.mean(answers) / 2)
    return np.array(directions, dtype=float)


def packaged_phrasings() -> list[dict[str, str]]:
    """Return the phrasings: each a ``prompt`` and its ``up`` and ``down`` completions, to be formatted."""
    return json.loads(resources.files("radprompt.named").joinpath("directions.json").read_text(encoding="utf-8"))


def _preference(
    model: "PreTrainedModel",
    tokenizer: "PreTrainedTokenizerBase",
    phrasing: dict[str, str],
    name: str,
    outcomes: tuple[str, str],
) -> float:
    """Return the probability of the upward completion less that of the downward one, among the two.

    Both are judged by the first token in which they differ, which takes one forward pass.
    """
    import torch

    first, second = outcomes
    prompt = phrasing["prompt"].format(name=name, first=first, second=second)
    up, down = (
        tokenizer(prompt + phrasing[way].format(first=first, second=second))["input_ids"] for way in ("up", "down")
    )
    shared = next((i for i, (one, other) in enumerate(zip(up, down, strict=False)) if one != other), 0)
    if not shared:  # outcomes that are the same words have no direction
        return 0.0
    logits = model(input_ids=torch.tensor([up[:shared]])).logits[0, -1].float()
    return float(torch.tanh((logits[up[shared]] - logits[down[shared]]) / 2))

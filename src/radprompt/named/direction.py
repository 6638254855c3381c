"""Which way a backbone believes a feature to point, from the probabilities of opposed completions."""

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from copy import deepcopy
from importlib import resources
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from radprompt.llm.frozen import load_frozen, read_beginning

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

Floats = NDArray[np.float64]
CHUNK = 32
"""Prompts of one length that are asked at once."""


class Question(NamedTuple):
    """A prompt's tokens, and the two that could come next."""

    tokens: tuple[int, ...]
    up: int
    down: int


def elicit(backbone: str | Path, names: Sequence[str], outcomes: tuple[str, str]) -> Floats:
    """Return the direction that the backbone asserts for each name, in [-1, 1], shape (names,).

    Every phrasing in ``directions.json`` ends in one of two opposed completions; their probabilities, among the two,
    give a value in [-1, 1]. The same phrasing with the outcomes exchanged is subtracted, so that a preference for one
    word cancels; phrasings are averaged (after Rezaeimanesh and Ghassemi, arXiv 2601.17609). Both completions are
    judged by the first token in which they differ.

    What a phrasing's prompts have in common before the name is read once, and prompts of one length together; how many
    those are changes an answer by rounding alone.

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
    directions = np.zeros(len(names))
    phrasings = packaged_phrasings()
    with torch.inference_mode(), tqdm(total=len(names), desc="asking", unit="name", disable=None) as bar:
        for phrasing in phrasings:
            answers: dict[Question, float] = {}
            for order, sign in ((outcomes, 1), (outcomes[::-1], -1)):
                asked = [_question(tokenizer, phrasing, name, order) for name in names]
                new = [question for question in dict.fromkeys(asked) if question and question not in answers]
                answers |= _answers(model, new)
                directions += [sign * answers[question] if question else 0.0 for question in asked]
            bar.update(len(names) / len(phrasings))
    return directions / (2 * len(phrasings))


def packaged_phrasings() -> list[dict[str, str]]:
    """Return the phrasings: each a ``prompt`` and its ``up`` and ``down`` completions, to be formatted."""
    return json.loads(resources.files("radprompt.named").joinpath("directions.json").read_text(encoding="utf-8"))


def _question(
    tokenizer: "PreTrainedTokenizerBase", phrasing: dict[str, str], name: str, outcomes: tuple[str, str]
) -> Question | None:
    """Return the tokens up to the first in which the completions differ; None where they are the same words."""
    words = {"name": name, "first": outcomes[0], "second": outcomes[1]}
    up, down = (
        tokenizer(phrasing["prompt"].format(**words) + phrasing[way].format(**words))["input_ids"]
        for way in ("up", "down")
    )
    shared = _in_common([up, down])
    return Question(tuple(up[:shared]), up[shared], down[shared]) if shared < min(len(up), len(down)) else None


def _in_common(sequences: Sequence[Sequence[int]]) -> int:
    """Return how many tokens all sequences begin with."""
    return sum(1 for _ in takewhile(lambda column: len(set(column)) == 1, zip(*sequences, strict=False)))


def _answers(model: Any, questions: Sequence[Question]) -> dict[Question, float]:
    """Return the probability of ``up`` less that of ``down``, among the two, for each question and its reverse."""
    import torch

    if not questions:
        return {}
    shared = min(_in_common([question.tokens for question in questions]), min(len(q.tokens) for q in questions) - 1)
    beginning = read_beginning(model, torch.tensor([questions[0].tokens[:shared]])) if shared else None
    found = {}
    for chunk in _chunks(questions):
        tokens = torch.tensor([question.tokens for question in chunk])
        if beginning is None:
            logits = model(tokens).logits[:, -1].float()
        else:
            known = deepcopy(beginning)
            known.batch_repeat_interleave(len(chunk))
            logits = model(tokens[:, shared:], past_key_values=known, use_cache=True).logits[:, -1].float()
        for question, row in zip(chunk, logits, strict=True):
            found[question] = float(torch.tanh((row[question.up] - row[question.down]) / 2))
            found[question._replace(up=question.down, down=question.up)] = -found[question]
    return found


def _chunks(questions: Sequence[Question]) -> Iterator[list[Question]]:
    """Yield questions of one length, at most :data:`CHUNK` at once."""
    by_length = defaultdict(list)
    for question in questions:
        by_length[len(question.tokens)].append(question)
    for alike in by_length.values():
        yield from (alike[start : start + CHUNK] for start in range(0, len(alike), CHUNK))

"""Prompts to token batches, through the trunk once, to logits."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor
from tqdm import tqdm

from radprompt.core.errors import InputError
from radprompt.llm.split import SplitModel, common_tokens
from radprompt.study.sentences import closings

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

Readout = Literal["last", "features", "closing"]
_CPU_TOKENS = {False: 1_400, True: 2_800}
"""Tokens per chunk on a CPU, in float32 and in bfloat16, whose states are half as large. Larger chunks overflow the
caches and run 1.5x slower; in bfloat16, chunks of 1,400 tokens take a sixth longer than those of 2,800."""


@dataclass(frozen=True)
class Encoded:
    """Right-padded prompts, with the trunk's hidden states where there is a trunk.

    ``input_ids`` and ``attention_mask``: (prompts, tokens). ``weights``: the same shape, of each token's state in what
    the head reads (a row adds up to 1), or None for the last token. ``hidden``: (prompts, tokens, hidden size) or None.
    """

    input_ids: Tensor
    attention_mask: Tensor
    weights: Tensor | None
    hidden: Tensor | None
    bf16: bool

    def __len__(self) -> int:
        return len(self.input_ids)

    def __getitem__(self, index: Any) -> "Encoded":
        """Return these prompts only, without the padding that none of them needs."""
        mask = self.attention_mask[index]
        tokens = int(mask.sum(dim=1).max())
        hidden = None if self.hidden is None else self.hidden[index, :tokens]
        weights = None if self.weights is None else self.weights[index, :tokens]
        return Encoded(self.input_ids[index, :tokens], mask[:, :tokens], weights, hidden, self.bf16)

    def to(self, device: torch.device) -> tuple[Tensor, Tensor, Tensor | None, Tensor | None]:
        """Return ids, mask, weights and hidden states on the device, as :meth:`SplitModel.logits` takes them."""
        weights, hidden = (None if part is None else part.to(device) for part in (self.weights, self.hidden))
        return self.input_ids.to(device), self.attention_mask.to(device), weights, hidden

    def pieces(self, device: torch.device) -> list["Encoded"]:
        """Split into the chunk size that trains fastest; a single chunk on a GPU."""
        fitting = _CPU_TOKENS[self.bf16] // self.input_ids.shape[1]
        rows = len(self) if device.type != "cpu" else max(1, fitting)
        return [self[index] for index in torch.arange(len(self)).split(rows)]

    def autocast(self, device: torch.device) -> AbstractContextManager:
        """Return the bf16 autocast context, or one that does nothing."""
        return torch.autocast(device.type, torch.bfloat16, enabled=self.bf16)


class TrunkCache:
    """The trunk's output for each prompt that was read, the oldest dropped when they outgrow ``max_bytes``.

    Valid for one backbone, cut and precision: ``origin`` names them, and its owner makes a new one when they change.
    """

    def __init__(self, origin: str, max_bytes: int = 4 * 1024**3) -> None:
        self.origin = origin
        self.max_bytes = max_bytes
        self._states: dict[str, Tensor] = {}
        self._bytes = 0

    def missing(self, prompts: list[str]) -> list[int]:
        """Return the positions of prompts that the trunk has not read, each distinct text once."""
        first = {prompt: position for position, prompt in reversed(list(enumerate(prompts)))}
        return sorted(position for prompt, position in first.items() if prompt not in self._states)

    def add(self, prompt: str, states: Tensor) -> None:
        """Keep one prompt's states, shape (tokens, hidden size), no padding among them."""
        self._states[prompt] = states
        self._bytes += states.nbytes

    def stack(self, prompts: list[str], tokens: int) -> Tensor:
        """Return the states of these prompts, shape (prompts, tokens, hidden size), zeros where there is padding."""
        kept = [self._states[prompt] for prompt in prompts]
        stacked = torch.zeros(len(kept), tokens, kept[0].shape[-1], dtype=kept[0].dtype)
        for row, states in zip(stacked, kept, strict=True):
            row[: len(states)] = states
        while self._bytes > self.max_bytes:
            self._bytes -= self._states.pop(next(iter(self._states))).nbytes
        return stacked


def encode(
    split: SplitModel,
    tokenizer: "PreTrainedTokenizerBase",
    prompts: list[str],
    *,
    readout: Readout = "last",
    bf16: bool,
    batch_size: int,
    cache: TrunkCache | None = None,
    progress: bool = False,
) -> Encoded:
    """Tokenise the prompts and, where there is a trunk, run each through it once; their common beginning once for all.

    Parameters
    ----------
    readout
        ``last``: the head reads the state of a prompt's last token; ``features``: the mean of the states at the tokens
        that close each feature's sentence.
    cache
        Of what the trunk read before; prompts that it holds are not read again.

    Raises
    ------
    InputError
        If a prompt is longer than the backbone's context, or names no feature for ``features`` to read.
    """
    tokens = tokenizer(prompts, padding=True, return_tensors="pt", return_offsets_mapping=readout == "features")
    ids, mask = tokens["input_ids"], tokens["attention_mask"]
    limit = getattr(split.text_config, "max_position_embeddings", None)
    if limit is not None and ids.shape[1] > limit:
        longest = int(mask.sum(dim=1).argmax())
        raise InputError(
            f"prompt {longest} has {int(mask[longest].sum())} tokens; this backbone reads {limit}",
            where=prompts[longest][:80] + "...",
            fix="lower features.count",
        )
    weights = _closing_weights(prompts, tokens["offset_mapping"], mask) if readout == "features" else None
    encoded = Encoded(ids, mask, weights, None, bf16)
    if split.cut == 0:
        return encoded
    cache = cache or TrunkCache("")
    device = next(split.model.parameters()).device
    split.model.eval()
    unread = cache.missing(prompts)
    batches = torch.tensor(unread).split(batch_size) if unread else ()
    shared, beginning = common_tokens(ids[unread], mask[unread]) if len(unread) > 1 else 0, None
    if shared:
        with encoded.autocast(device):
            beginning = split.begin(ids[unread[:1], :shared].to(device))
    for index in tqdm(batches, desc="trunk", unit="batch", disable=None if progress else True):
        batch = encoded[index]
        with batch.autocast(device):
            hidden = split.trunk(*batch.to(device)[:2], beginning).cpu()
        for position, states, length in zip(index.tolist(), hidden, batch.attention_mask.sum(dim=1), strict=True):
            cache.add(prompts[position], states[:length].clone())
    return Encoded(ids, mask, weights, cache.stack(prompts, ids.shape[1]), bf16)


def _closing_weights(prompts: list[str], offsets: Tensor, mask: Tensor) -> Tensor:
    weights = torch.zeros(mask.shape)
    for row, prompt in enumerate(prompts):
        ends = closings(prompt)
        if not ends:
            raise InputError(
                "no feature's sentence in this prompt, and readout 'features' reads those",
                where=prompt[:80],
                fix="give a frame of named features, or set readout to last",
            )
        starts = offsets[row, : int(mask[row].sum()), 0].contiguous()
        closing = torch.searchsorted(starts, torch.tensor(ends)) - 1  # the last token that begins before the end
        weights[row, closing] = 1 / len(ends)
    return weights


def predict_logits(split: SplitModel, rows: Encoded, batch_size: int) -> Tensor:
    """Return one logit a prompt on the CPU, shape (prompts,), in float32."""
    return _in_batches(split, split.logits, rows, batch_size)


def predict_states(split: SplitModel, rows: Encoded, batch_size: int) -> Tensor:
    """Return what the head reads of each prompt, on the CPU, shape (prompts, hidden size), in float32."""
    return _in_batches(split, split.states, rows, batch_size)


@torch.no_grad()
def _in_batches(split: SplitModel, function: Callable[..., Tensor], rows: Encoded, batch_size: int) -> Tensor:
    split.model.eval()
    device = next(split.model.parameters()).device
    results = []
    for index in torch.arange(len(rows)).split(batch_size):
        batch = rows[index]
        with batch.autocast(device):
            results.append(function(*batch.to(device)).float().cpu())
    return torch.cat(results)

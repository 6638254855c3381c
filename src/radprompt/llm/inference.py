"""Prompts to token batches, through the trunk once, to logits."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from tqdm import tqdm

from radprompt.errors import InputError
from radprompt.llm.split import SplitModel

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


@dataclass(frozen=True)
class Encoded:
    """Right-padded prompts, with the trunk's hidden states where there is a trunk.

    ``input_ids`` and ``attention_mask``: (prompts, tokens); ``hidden``: (prompts, tokens, hidden size) or None.
    """

    input_ids: Tensor
    attention_mask: Tensor
    hidden: Tensor | None
    bf16: bool

    def __len__(self) -> int:
        return len(self.input_ids)

    def __getitem__(self, index: Any) -> "Encoded":
        """Return these prompts only, without the padding that none of them needs."""
        mask = self.attention_mask[index]
        tokens = int(mask.sum(dim=1).max())
        hidden = None if self.hidden is None else self.hidden[index, :tokens]
        return Encoded(self.input_ids[index, :tokens], mask[:, :tokens], hidden, self.bf16)

    def to(self, device: torch.device) -> tuple[Tensor, Tensor, Tensor | None]:
        """Return ids, mask and hidden states on the device, as :meth:`SplitModel.logits` takes them."""
        hidden = None if self.hidden is None else self.hidden.to(device)
        return self.input_ids.to(device), self.attention_mask.to(device), hidden

    def autocast(self, device: torch.device) -> AbstractContextManager:
        """Return the bf16 autocast context, or one that does nothing."""
        return torch.autocast(device.type, torch.bfloat16, enabled=self.bf16)


def encode(
    split: SplitModel,
    tokenizer: "PreTrainedTokenizerBase",
    prompts: list[str],
    *,
    bf16: bool,
    batch_size: int,
    progress: bool = False,
) -> Encoded:
    """Tokenise the prompts and, where there is a trunk, run each through it once.

    Raises
    ------
    InputError
        If a prompt is longer than the backbone's context.
    """
    tokens = tokenizer(prompts, padding=True, return_tensors="pt")
    ids, mask = tokens["input_ids"], tokens["attention_mask"]
    limit = getattr(split.model.config, "max_position_embeddings", None)
    if limit is not None and ids.shape[1] > limit:
        longest = int(mask.sum(dim=1).argmax())
        raise InputError(
            f"prompt {longest} has {int(mask[longest].sum())} tokens; this backbone reads {limit}",
            where=prompts[longest][:80] + "...",
            fix="lower features.count",
        )
    encoded = Encoded(ids, mask, None, bf16)
    if split.cut == 0:
        return encoded
    device = next(split.model.parameters()).device
    split.model.eval()
    states = None
    batches = torch.arange(len(prompts)).split(batch_size)
    for index in tqdm(batches, desc="trunk", unit="batch", disable=not progress):
        batch = encoded[index]
        with batch.autocast(device):
            hidden = split.trunk(*batch.to(device)[:2]).cpu()
        if states is None:
            states = torch.zeros(*ids.shape, hidden.shape[-1], dtype=hidden.dtype)
        states[index, : hidden.shape[1]] = hidden
    return Encoded(ids, mask, states, bf16)


@torch.no_grad()
def predict_logits(split: SplitModel, rows: Encoded, batch_size: int) -> Tensor:
    """Return one logit a prompt on the CPU, shape (prompts,), in float32."""
    split.model.eval()
    device = next(split.model.parameters()).device
    logits = []
    for index in torch.arange(len(rows)).split(batch_size):
        batch = rows[index]
        with batch.autocast(device):
            logits.append(split.logits(*batch.to(device)).cpu())
    return torch.cat(logits)

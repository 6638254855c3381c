"""A transformer cut at layer k: what is frozen runs once per prompt, what learns runs on the cache.

The cut needs no second implementation of any architecture. The model's list of layers is swapped for one whose first
k members hand through: the first puts the cached hidden states in, the others return what they get. Masks, positions,
final norm and head stay the model's own, so the split model equals the whole one to rounding.
"""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from copy import deepcopy
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor, nn

from radprompt.errors import InputError

if TYPE_CHECKING:
    from transformers import PreTrainedModel


class _Reached(Exception):  # noqa: N818 - a signal, not an error
    def __init__(self, hidden: Tensor) -> None:
        self.hidden = hidden


class _HandThrough(nn.Module):
    """Stands where a frozen layer stood; returns its input, or the cached states if it holds some."""

    def __init__(self, stood_here: nn.Module, cached: Tensor | None = None) -> None:
        super().__init__()
        self.cached = cached
        for name in ("attention_type", "layer_idx", "is_sliding"):  # read by hybrid-attention models from outside
            if hasattr(stood_here, name):
                setattr(self, name, getattr(stood_here, name))

    def forward(self, hidden_states: Tensor, *_: object, **__: object) -> Tensor:
        return hidden_states if self.cached is None else self.cached


class Beginning(NamedTuple):
    """What the trunk makes of the tokens that prompts share at their start.

    ``hidden``: their states, (1, tokens, hidden size); ``cache``: their keys and values, by layer.
    """

    hidden: Tensor
    cache: Any


class SplitModel:
    """A sequence classifier in two parts, sharing the weights of the model it was made from.

    Parameters
    ----------
    model
        Any ``AutoModelForSequenceClassification`` (adapters may be injected already) with one list of layers.
    cut
        Layers ``0..cut-1`` are the trunk, the rest and the head the tail. 0: no trunk; the number of layers: the tail
        is the final norm and the head.

    Raises
    ------
    InputError
        If the model has no list of ``config.num_hidden_layers`` layers or the cut is outside ``0..layers``.
    """

    def __init__(self, model: "PreTrainedModel", cut: int) -> None:
        self.model = model
        self._owner, self._name, self.layers = _find_layers(model)
        if not 0 <= cut <= len(self.layers):
            raise InputError(
                f"cannot train {len(self.layers) - cut} layers of a model that has {len(self.layers)}",
                where="llm.lora.layers",
                fix=f"choose 1..{len(self.layers)}, or all",
            )
        self.cut = cut

    @torch.no_grad()
    def begin(self, input_ids: Tensor) -> Beginning | None:
        """Read the tokens that prompts begin with, shape (1, tokens), once for all of them.

        None where a token's state hangs on later ones (an encoder), or on more than keys and values.
        """
        kinds = set(getattr(self.model.config, "layer_types", None) or ["full_attention"])
        attention = [part.is_causal for part in self.layers.modules() if hasattr(part, "is_causal")]
        if kinds != {"full_attention"} or not attention or not all(attention):
            return None
        from transformers import DynamicCache

        cache = DynamicCache(config=self.model.config)
        hidden = self._until_cut(input_ids, torch.ones_like(input_ids), past_key_values=cache, use_cache=True)
        return Beginning(hidden, cache)

    @torch.no_grad()
    def trunk(self, input_ids: Tensor, attention_mask: Tensor, beginning: Beginning | None = None) -> Tensor:
        """Return the hidden states after layer ``cut - 1``, shape (prompts, tokens, hidden size).

        ``beginning`` is that of all these prompts, which must be longer; only what follows is computed.
        """
        if beginning is None:
            return self._until_cut(input_ids, attention_mask)
        cache = deepcopy(beginning.cache)  # a layer appends to it
        cache.batch_repeat_interleave(len(input_ids))
        following = input_ids[:, beginning.hidden.shape[1] :]
        hidden = self._until_cut(following, attention_mask, past_key_values=cache, use_cache=True)
        return torch.cat([beginning.hidden.expand(len(hidden), -1, -1), hidden], dim=1)

    def _until_cut(self, input_ids: Tensor, attention_mask: Tensor, **more: Any) -> Tensor:
        def stop(_module: nn.Module, _inputs: object, output: Tensor | tuple[Tensor, ...]) -> None:
            raise _Reached(output[0] if isinstance(output, tuple) else output)

        handle = self.layers[self.cut - 1].register_forward_hook(stop)
        try:
            self.model(input_ids=input_ids, attention_mask=attention_mask, **more)
        except _Reached as reached:
            return reached.hidden
        finally:
            handle.remove()
        raise AssertionError("the model's forward never ran its layers")

    def logits(
        self, input_ids: Tensor, attention_mask: Tensor, weights: Tensor | None = None, hidden: Tensor | None = None
    ) -> Tensor:
        """Return one logit a prompt, shape (prompts,).

        Parameters
        ----------
        weights
            Of each token's final state in what the head reads, shape (prompts, tokens); a row adds up to 1. None: what
            the model itself pools (a decoder's last token).
        hidden
            The trunk's output; None: the model runs from the start.
        """
        injected = nullcontext() if self.cut == 0 or hidden is None else self._injected(hidden)
        with injected, self._read(weights):
            output = self.model(input_ids=input_ids, attention_mask=attention_mask)
        return output.logits.squeeze(-1).float()

    def check(self, input_ids: Tensor, attention_mask: Tensor, tolerance: float) -> None:
        """Compare split and whole on these prompts; raise InputError if the architecture does not allow the cut."""
        if self.cut == 0:
            return
        with torch.no_grad():
            whole = self.logits(input_ids, attention_mask)
            split = self.logits(input_ids, attention_mask, hidden=self.trunk(input_ids, attention_mask))
        if not torch.allclose(whole, split, rtol=tolerance, atol=tolerance):
            raise InputError(
                f"cut at layer {self.cut}, this backbone's logits change by {(whole - split).abs().max():.2g}",
                where="llm.lora.layers",
                fix="set llm.lora.layers: all for this architecture",
            )

    @contextmanager
    def _read(self, weights: Tensor | None) -> Iterator[None]:
        """Let the head see the weighted mean of the states, at every token: whichever the model picks is that one."""
        if weights is None:
            yield
            return

        def pool(_module: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
            states = inputs[0]
            if states.ndim != 3:
                raise InputError(
                    f"{type(self.model).__name__} pools its states before the head",
                    where="llm.readout",
                    fix="set llm.readout: last for this architecture",
                )
            pooled = torch.einsum("bt,bth->bh", weights.to(states.dtype), states)
            return (pooled[:, None].expand_as(states), *inputs[1:])

        handle = getattr(self.model, head_name(self.model)).register_forward_pre_hook(pool)
        try:
            yield
        finally:
            handle.remove()

    @contextmanager
    def _injected(self, hidden: Tensor) -> Iterator[None]:
        through = [_HandThrough(layer, hidden if i == 0 else None) for i, layer in enumerate(self.layers[: self.cut])]
        setattr(self._owner, self._name, nn.ModuleList([*through, *self.layers[self.cut :]]))
        try:
            yield
        finally:
            setattr(self._owner, self._name, self.layers)


def head_name(model: nn.Module) -> str:
    """Return the attribute that holds the classification head (``score`` in decoders, ``classifier`` elsewhere)."""
    return "score" if hasattr(model, "score") else "classifier"


def number_of_layers(model: "PreTrainedModel") -> int:
    """Return how many transformer layers the model has."""
    return len(_find_layers(model)[2])


def _find_layers(model: "PreTrainedModel") -> tuple[nn.Module, str, nn.ModuleList]:
    count = model.config.num_hidden_layers
    for owner in model.modules():
        for name, child in owner.named_children():
            if isinstance(child, nn.ModuleList) and len(child) == count:
                return owner, name, child
    raise InputError(
        f"{type(model).__name__} has no list of {count} layers to split",
        where="llm.backbone.source",
        fix="use a decoder such as LLaMA, Mistral or Qwen",
    )

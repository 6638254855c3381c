"""A transformer cut at layer k: what is frozen runs once per prompt, what learns runs on the cache.

The cut needs no second implementation of any architecture. The model's list of layers is swapped for one whose first
k members hand through: the first puts the cached hidden states in, the others return what they get. Masks, positions,
final norm and head stay the model's own, so the split model equals the whole one to rounding.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import torch
from torch import Tensor, nn

from radprompt.core.errors import InputError

if TYPE_CHECKING:
    from transformers import PreTrainedModel


OTHER_MODEL = "use a decoder such as LLaMA, Mistral or Qwen"
"""What to do about a model that cannot become a classifier here."""


class CutError(InputError):
    """The model cannot be cut at a layer; whole it runs."""


class _Reached(Exception):  # noqa: N818 - a signal, not an error
    def __init__(self, hidden: Tensor) -> None:
        self.hidden = hidden


_WORTH_SHARING = 8
"""Tokens; where prompts share fewer at their start, one pass over all is as fast as two."""
_ALIKE = 2 * _WORTH_SHARING
"""Tokens that the prompts of :meth:`SplitModel.check` begin with."""


class _HandThrough(nn.Module):
    """Stands where a frozen layer stood; returns its input, or the cached states if it holds some.

    ``values`` is how many the layer returned in a tuple (some architectures' do), 0 where it returned the states alone.
    """

    def __init__(self, stood_here: nn.Module, cached: Tensor | None = None, values: int = 0) -> None:
        super().__init__()
        self.cached = cached
        self.values = values
        for name in ("attention_type", "layer_idx", "is_sliding"):  # read by hybrid-attention models from outside
            if hasattr(stood_here, name):
                setattr(self, name, getattr(stood_here, name))

    def forward(
        self, hidden_states: Tensor, *_: object, past_key_values: Any = None, **__: object
    ) -> Tensor | tuple[Tensor | None, ...]:
        if self.cached is None:
            return self._returned(hidden_states)
        if past_key_values is not None:  # the model asks its first layer how many tokens came before
            nothing = hidden_states.new_zeros(len(hidden_states), 1, hidden_states.shape[1], 1)
            past_key_values.update(nothing, nothing, 0)
        return self._returned(self.cached)

    def _returned(self, states: Tensor) -> Tensor | tuple[Tensor | None, ...]:
        return (states, *[None] * (self.values - 1)) if self.values else states


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
        self.text_config = model.config.get_text_config()
        kinds = set(getattr(self.text_config, "layer_types", None) or ["full_attention"])
        attention = [part.is_causal for part in self.layers.modules() if hasattr(part, "is_causal")]
        self._returned_values = 0
        self._causal = kinds == {"full_attention"} and bool(attention) and all(attention)
        self._shares = self._causal
        # Some architectures drop by module, some by function.
        by_module = any(part.p > 0 for part in model.modules() if isinstance(part, nn.Dropout))
        rates = [value for name, value in self.text_config.to_dict().items() if "drop" in name]
        self._drops = by_module or any(isinstance(rate, float) and rate > 0 for rate in rates)

    @torch.no_grad()
    def begin(self, input_ids: Tensor) -> Beginning | None:
        """Read the tokens that prompts begin with, shape (1, tokens), once for all of them.

        None if a token's state depends on later tokens (an encoder), or on more than keys and values.
        """
        if not self._shares:
            return None
        cache = self._new_cache()
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
        def stop(_module: nn.Module, _inputs: object, output: Any) -> None:
            several = isinstance(output, tuple | list)
            self._returned_values = len(output) if several else 0
            raise _Reached(output[0] if several else output)

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
        shared = self._shared(input_ids, attention_mask, weights)
        past: dict[str, Any] = {}
        if shared:
            past = {"past_key_values": self._new_cache(), "use_cache": True}
            with self._injected(None if hidden is None else hidden[:1, :shared]):
                self.model(input_ids=input_ids[:1, :shared], **past)
            past["past_key_values"].batch_repeat_interleave(len(input_ids))
        with (
            self._injected(None if hidden is None else hidden[:, shared:]),
            self._read(None if weights is None else weights[:, shared:]),
        ):
            output = self.model(input_ids=input_ids[:, shared:], attention_mask=attention_mask, **past)
        return output.logits.squeeze(-1).float()

    def states(
        self, input_ids: Tensor, attention_mask: Tensor, weights: Tensor | None = None, hidden: Tensor | None = None
    ) -> Tensor:
        """Return what the head reads of each prompt, shape (prompts, hidden size); parameters as of :meth:`logits`."""
        seen: list[Tensor] = []
        head = getattr(self.model, head_name(self.model))
        handle = head.register_forward_pre_hook(lambda _module, inputs: seen.append(inputs[0]))
        try:
            self.logits(input_ids, attention_mask, weights, hidden)
        finally:
            handle.remove()
        states = seen[-1]  # a shared beginning came first
        if states.ndim == 2:  # an encoder has pooled them before its head
            return states
        before = input_ids.shape[1] - states.shape[1]
        if weights is None:
            return states[torch.arange(len(states)), attention_mask.sum(dim=1) - 1 - before]
        return _mean(weights[:, before:], states)

    @torch.no_grad()
    def check(self, tolerance: float) -> None:
        """Compare the model in parts with the whole one, on two prompts of arbitrary tokens.

        Where only a shared beginning changes the logits, none is shared from here on.

        Raises
        ------
        CutError
            The cut changes the logits, or its architecture cannot be cut like this.
        InputError
            The whole model does not run on tokens alone.
        """
        self.model.eval()
        ids, mask = self._two_prompts()
        try:
            whole = self.model(input_ids=ids, attention_mask=mask).logits.squeeze(-1).float()
        except (RuntimeError, ValueError, TypeError, AttributeError, IndexError, NotImplementedError) as error:
            raise InputError(
                f"{type(self.model).__name__} does not run on text alone: {first_line(error)}",
                where="llm.backbone.source",
                fix=OTHER_MODEL,
            ) from error
        fault = ""
        for shares in (self._causal, False):
            self._shares = shares
            try:
                hidden = self.trunk(ids, mask, self.begin(ids[:1, :_ALIKE])) if self.cut else None
                split = self.logits(ids, mask, hidden=hidden)
            except (RuntimeError, ValueError, TypeError, AttributeError, IndexError, NotImplementedError) as error:
                fault = f"this backbone stops: {first_line(error)}"
                continue
            if torch.allclose(whole, split, rtol=tolerance, atol=tolerance):
                return
            fault = f"this backbone's logits change by {(whole - split).abs().max():.2g}"
        raise CutError(
            f"cut at layer {self.cut}, {fault}",
            where="llm.lora.layers",
            fix="set llm.lora.layers: all for this architecture",
        )

    def _two_prompts(self) -> tuple[Tensor, Tensor]:
        """Return ids and mask of two that begin alike and go on with other tokens, one of them padded."""
        padding = self.model.config.pad_token_id or 0
        vocabulary = number_of_embeddings(self.model)
        ids = (3 + 7 * torch.arange(2 * (_ALIKE + 8))).view(2, -1) % vocabulary
        ids[1, :_ALIKE] = ids[0, :_ALIKE]
        ids[ids == padding] = (padding + 1) % vocabulary
        mask = torch.ones_like(ids)
        ids[1, -3:], mask[1, -3:] = padding, 0
        device = next(self.model.parameters()).device
        return ids.to(device), mask.to(device)

    def _shared(self, input_ids: Tensor, attention_mask: Tensor, weights: Tensor | None) -> int:
        """Return how many tokens are computed once for all prompts of a batch; 0 where that changes what is learnt."""
        if not self._shares or len(input_ids) < 2 or (self.model.training and self._drops):
            return 0  # dropout draws for each prompt
        shared = common_tokens(input_ids, attention_mask)
        read_there = weights is not None and bool(weights[:, :shared].any())
        return 0 if shared < _WORTH_SHARING or read_there else shared

    def _new_cache(self) -> Any:
        from transformers import DynamicCache

        return DynamicCache(config=self.text_config)

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
            return (_mean(weights, states)[:, None].expand_as(states), *inputs[1:])

        handle = getattr(self.model, head_name(self.model)).register_forward_pre_hook(pool)
        try:
            yield
        finally:
            handle.remove()

    @contextmanager
    def _injected(self, hidden: Tensor | None) -> Iterator[None]:
        if hidden is None or self.cut == 0:
            yield
            return
        through = [
            _HandThrough(layer, hidden if i == 0 else None, self._returned_values)
            for i, layer in enumerate(self.layers[: self.cut])
        ]
        setattr(self._owner, self._name, nn.ModuleList([*through, *self.layers[self.cut :]]))
        try:
            yield
        finally:
            setattr(self._owner, self._name, self.layers)


def _mean(weights: Tensor, states: Tensor) -> Tensor:
    return torch.einsum("bt,bth->bh", weights.to(states.dtype), states)


def common_tokens(ids: Tensor, mask: Tensor) -> int:
    """Return how many tokens all prompts begin with, fewer than the shortest has."""
    alike = (ids == ids[0]).all(dim=0) & mask.bool().all(dim=0)
    shortest = int(mask.sum(dim=1).min())
    return min(int(alike.long().cumprod(dim=0).sum()), shortest - 1)


def head_name(model: nn.Module) -> str:
    """Return the attribute that holds the classification head (``score`` in decoders, ``classifier`` elsewhere)."""
    for name in ("score", "classifier"):
        if hasattr(model, name):
            return name
    raise InputError(
        f"{type(model).__name__} has no head called score or classifier",
        where="llm.backbone.source",
        fix=OTHER_MODEL,
    )


def number_of_embeddings(model: "PreTrainedModel") -> int:
    """Return how many tokens the model has an embedding for."""
    return len(cast("nn.Embedding", model.get_input_embeddings()).weight)


def layers_of(model: "PreTrainedModel") -> nn.ModuleList:
    """Return the model's transformer layers, those of its text part where it has several."""
    return _find_layers(model)[2]


def _find_layers(model: "PreTrainedModel") -> tuple[nn.Module, str, nn.ModuleList]:
    text = model.config.get_text_config()
    count = text.num_hidden_layers
    # A model of images and text has a list of layers for each.
    for owner in (model if text is model.config else model.get_decoder()).modules():
        for name, child in owner.named_children():
            if isinstance(child, nn.ModuleList) and len(child) == count:
                return owner, name, child
    raise InputError(
        f"{type(model).__name__} has no list of {count} layers to split",
        where="llm.backbone.source",
        fix=OTHER_MODEL,
    )


def first_line(error: Exception) -> str:
    """Return the first line of an exception's message with what a colon announces, or its type where it has none."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    return " ".join(lines[:2]) if lines[0].endswith(":") else lines[0]

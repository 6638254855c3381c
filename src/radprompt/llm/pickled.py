"""What a pickle of a language model's classifier holds: the weights that were learned, not the backbone."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import Tensor

from radprompt.core.errors import InputError
from radprompt.llm.training import State

if TYPE_CHECKING:
    from peft import PeftModel

_REBUILT = ("_adapter", "_split", "_tokenizer", "_bf16", "trunk_")


class PickledWithoutBackbone:
    """Keeps the backbone out of pickles; where one is read, the backbone is read again from where it was."""

    backbone: str | Path

    def __getstate__(self) -> dict[str, Any]:
        """Return parameters and what was learned, and which backbone that was."""
        state: dict[str, Any] = dict(super().__getstate__())  # type: ignore[call-overload]  # scikit-learn's
        if "_adapter" in state:
            state["_learned"] = _learned_weights(state["_adapter"]), self._origin()
            kept = state["state_"]
            state["state_"] = State(kept.history, kept.best_score, kept.best_epoch)
        return {name: value for name, value in state.items() if name not in _REBUILT}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Build the model again; :class:`InputError` where its backbone is not there, or is another one."""
        learned = state.pop("_learned", None)
        super().__setstate__(state)  # type: ignore[misc]
        if learned is None:
            return
        weights, origin = learned
        self._build()
        if self._origin() != origin:
            raise InputError(
                "the backbone is not the one that the pickled classifier was trained on",
                where=str(self.backbone),
                fix="put that one there, or hand the classifier over with save() and load(folder, backbone=...)",
            )
        restore_weights(self._adapter, weights)

    _adapter: "PeftModel"

    def _build(self) -> None:
        raise NotImplementedError

    def _origin(self) -> str:
        raise NotImplementedError


def restore_weights(adapter: "PeftModel", learned: dict[str, Tensor]) -> None:
    """Load learned weights into a model built from the same backbone."""
    from peft import set_peft_model_state_dict

    set_peft_model_state_dict(adapter, learned)


def _learned_weights(adapter: "PeftModel") -> dict[str, Tensor]:
    from peft import get_peft_model_state_dict

    learned = get_peft_model_state_dict(adapter, save_embedding_layers=False)
    return {name: value.detach().cpu().clone() for name, value in learned.items()}

"""A language model's classifier as a folder: ``classifier.json`` says what it is, safetensors hold its numbers."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import torch

from radprompt.core.errors import InputError
from radprompt.core.outputs import atomic_folder, write_json
from radprompt.llm.closing import read_model, write_model
from radprompt.llm.inference import TrunkCache
from radprompt.llm.pickled import restore_weights
from radprompt.llm.training import State

if TYPE_CHECKING:
    from radprompt.llm.classifier import LanguageModelClassifier

    Classifier = TypeVar("Classifier", bound="LanguageModelClassifier")

RECORD, ADAPTER = "classifier.json", "adapter_model.safetensors"


def write_classifier(classifier: "LanguageModelClassifier", folder: str | Path) -> None:
    """Write a fitted classifier: its record and a standard peft adapter, or its readout of closing tokens."""
    with atomic_folder(folder) as part:
        if classifier._closing is not None:
            write_model(part, classifier._closing)
        else:
            classifier._adapter.save_pretrained(str(part), safe_serialization=True, save_embedding_layers=False)
            (part / "README.md").unlink(missing_ok=True)  # peft's empty model card
        parameters = classifier.get_params() | {"backbone": Path(classifier.backbone).as_posix()}
        computed = {"precision": "bf16" if classifier._bf16 else "fp32", "threads": torch.get_num_threads()}
        state = classifier.state_
        kept = {"computed": computed, "best_epoch": state.best_epoch, "history": state.history}
        names = getattr(classifier, "_names", None)
        fitted = {"classes": classifier.classes_.tolist(), "features": None if names is None else list(names)}
        write_json(part / RECORD, {"parameters": parameters, **fitted, **kept})


def read_classifier(
    kind: "type[Classifier]", folder: Path, replaced: dict[str, Any], trunk: TrunkCache | None
) -> "Classifier":
    """Read what :func:`write_classifier` wrote.

    Parameters
    ----------
    kind
        The class.
    folder
        Where it was written.
    replaced
        Parameters that take the place of recorded ones.
    trunk
        Another classifier's ``trunk_``.

    Raises
    ------
    InputError
        If there is no saved classifier.
    """
    from safetensors.torch import load_file

    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError("no saved classifier", where=str(folder), fix="train one, or run `dvc pull`") from None
    classifier = kind(**record["parameters"] | replaced)
    classifier.trunk_ = trunk
    classifier._build()
    if classifier.readout == "closing":
        classifier._closing = read_model(folder)
    else:
        restore_weights(classifier._adapter, load_file(folder / ADAPTER))
    classifier.state_ = State(record["history"], best_epoch=record["best_epoch"])
    classifier.classes_ = np.array(record.get("classes", [0, 1]))
    classifier._remember(record.get("features"))
    return classifier

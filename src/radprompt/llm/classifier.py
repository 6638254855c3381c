"""The estimator that people take home: named features in, probability of malignancy out."""

import json
from collections.abc import Callable, Sequence
from dataclasses import fields
from inspect import signature
from pathlib import Path
from typing import Literal, Self

import numpy as np
import pandas as pd
import torch
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from radprompt.core.errors import InputError
from radprompt.core.outputs import atomic_folder, write_json
from radprompt.core.params import Llm, Prompt
from radprompt.llm.assembly import assemble
from radprompt.llm.head import begin_at_zero
from radprompt.llm.inference import Encoded, Readout, TrunkCache, encode, predict_logits, predict_states
from radprompt.llm.training import Schedule, State, checked_labels, train
from radprompt.study.sentences import render_frame

Prompts = pd.DataFrame | Sequence[str]
Labels = Sequence[int] | np.ndarray
OnEpoch = Callable[[dict[str, float]], None] | None


class LanguageModelClassifier(ClassifierMixin, BaseEstimator):
    """A pretrained language model that reads each row as a sentence and is tuned by LoRA to classify it.

    ``X`` is a frame whose **column names are read by the model** (standardised values of named features), or a
    sequence of ready prompts. The names are the link between sites: :meth:`adapt` goes on training on a frame with
    other columns (the paper's extensible learning).

    Parameters
    ----------
    backbone
        Folder that :func:`radprompt.llm.backbone.write_backbone` filled.
    tuning, rank, alpha, dropout, layers
        ``lora`` on the last ``layers`` layers (``"all"``: every layer, as in the paper) or ``head`` only.
    readout
        What the head reads: ``last``, the state of the prompt's last token (paper), or ``features``, the mean of the
        states at the tokens that close each feature's sentence.
    epochs, batch_size, learning_rate, weight_decay, warmup_fraction, best_epoch_by, patience
        AdamW with a cosine schedule; the epoch best on the validation rows by ``auc`` or ``loss`` is kept. Training
        stops early after ``patience`` epochs without a better one; None: all are run.
    device, precision
        ``auto``, ``cpu`` or ``cuda[:n]``; ``bf16`` autocast, ``fp32``, or ``auto``: bf16 where the hardware has it.
    instruction, decimals, trailing_zeros, order
        The prompt's first sentence, digits after the decimal point, whether zeros at the end of a number are printed
        (``0.500``) or dropped (``0.5``, as in the paper), and the features' order: ``fixed`` by name, so that
        the order of columns does not count, or ``random`` for each row.
    seed
        Of the head's and the adapters' first weights, of shuffling and dropout.

    Attributes
    ----------
    classes_
        ``[0, 1]``: benign, malignant.
    state_
        History of the last :meth:`fit` or :meth:`adapt`, with the epoch that was kept.
    trunk_
        What the frozen layers made of each prompt that they read.
    """

    trunk_: TrunkCache | None = None

    def __init__(
        self,
        backbone: str | Path = "models/backbone",
        *,
        tuning: Literal["lora", "head"] = "lora",
        rank: int = 16,
        alpha: float = 32,
        dropout: float = 0.0,
        layers: int | Literal["all"] = 8,
        readout: Readout = "last",
        epochs: int = 12,
        batch_size: int = 16,
        learning_rate: float = 1e-3,
        weight_decay: float = 0.01,
        warmup_fraction: float = 0.05,
        best_epoch_by: Literal["auc", "loss"] = "auc",
        patience: int | None = None,
        device: str = "auto",
        precision: Literal["auto", "bf16", "fp32"] = "auto",
        instruction: str = (
            "Classify benign or malignant of this mammography based on given standardized radiomic features."
        ),
        decimals: int = 3,
        trailing_zeros: bool = False,
        order: Literal["fixed", "random"] = "fixed",
        seed: int = 0,
    ) -> None:
        self.backbone = backbone
        self.tuning = tuning
        self.rank = rank
        self.alpha = alpha
        self.dropout = dropout
        self.layers = layers
        self.readout = readout
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.warmup_fraction = warmup_fraction
        self.best_epoch_by = best_epoch_by
        self.patience = patience
        self.device = device
        self.precision = precision
        self.instruction = instruction
        self.decimals = decimals
        self.trailing_zeros = trailing_zeros
        self.order = order
        self.seed = seed

    @classmethod
    def from_params(cls, llm: Llm, prompt: Prompt, backbone: str | Path, seed: int) -> Self:
        """Make the classifier that ``params.yaml`` describes."""
        given = {**vars(llm), **vars(llm.lora), **vars(prompt), "backbone": backbone, "seed": seed}
        return cls(**{name: given[name] for name in signature(cls).parameters})

    def fit(
        self,
        X: Prompts,
        y: Labels,
        X_val: Prompts | None = None,
        y_val: Labels | None = None,
        *,
        on_epoch: OnEpoch = None,
        checkpoint: Path | None = None,
    ) -> Self:
        """Start from the pretrained backbone and train; validation rows, when given, choose the epoch.

        An interrupted call with the same arguments goes on from ``checkpoint``.
        """
        self._build()
        return self._train(X, y, X_val, y_val, on_epoch, checkpoint, new=True)

    def adapt(
        self,
        X: Prompts,
        y: Labels,
        X_val: Prompts | None = None,
        y_val: Labels | None = None,
        *,
        on_epoch: OnEpoch = None,
        checkpoint: Path | None = None,
    ) -> Self:
        """Go on training from the fitted weights; the columns may differ from those of :meth:`fit`."""
        check_is_fitted(self, "classes_")
        return self._train(X, y, X_val, y_val, on_epoch, checkpoint)

    def decision_function(self, X: Prompts) -> np.ndarray:
        """Return the logit of malignancy, shape (rows,)."""
        check_is_fitted(self, "classes_")
        return predict_logits(self._split, self._encode(X), self.batch_size).numpy().astype(float)

    def predict_proba(self, X: Prompts) -> np.ndarray:
        """Return the probabilities of benign and malignant, shape (rows, 2)."""
        malignant = 1 / (1 + np.exp(-self.decision_function(X)))
        return np.column_stack([1 - malignant, malignant])

    def predict(self, X: Prompts) -> np.ndarray:
        """Return 0 or 1 for each row, at probability 0.5."""
        return (self.decision_function(X) > 0).astype(int)

    def embed(self, X: Prompts) -> np.ndarray:
        """Return the enhanced radiomics: the state that the head reads for each row, shape (rows, hidden size)."""
        check_is_fitted(self, "classes_")
        return predict_states(self._split, self._encode(X), self.batch_size).numpy()

    def save(self, folder: str | Path) -> None:
        """Write a standard peft adapter (safetensors) and ``classifier.json``; the backbone stays where it is."""
        check_is_fitted(self, "classes_")
        with atomic_folder(folder) as part:
            self._adapter.save_pretrained(str(part), safe_serialization=True, save_embedding_layers=False)
            (part / "README.md").unlink(missing_ok=True)  # peft's empty model card
            parameters = self.get_params() | {"backbone": Path(self.backbone).as_posix()}
            computed = {"precision": "bf16" if self._bf16 else "fp32", "threads": torch.get_num_threads()}
            kept = {"computed": computed, "best_epoch": self.state_.best_epoch, "history": self.state_.history}
            write_json(part / "classifier.json", {"parameters": parameters, **kept})

    @classmethod
    def load(
        cls,
        folder: str | Path,
        *,
        backbone: str | Path | None = None,
        device: str | None = None,
        trunk: TrunkCache | None = None,
    ) -> Self:
        """Read what :meth:`save` wrote; ``backbone`` and ``device`` override the recorded ones.

        ``trunk`` is another classifier's ``trunk_``: what its frozen layers have read need not be read again.
        """
        from peft import set_peft_model_state_dict
        from safetensors.torch import load_file

        folder = Path(folder)
        try:
            record = json.loads((folder / "classifier.json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise InputError("no saved classifier", where=str(folder), fix="train one, or run `dvc pull`") from None
        parameters = record["parameters"]
        if backbone is not None:
            parameters["backbone"] = backbone
        if device is not None:
            parameters["device"] = device
        classifier = cls(**parameters)
        classifier.trunk_ = trunk
        classifier._build()
        set_peft_model_state_dict(classifier._adapter, load_file(folder / "adapter_model.safetensors"))
        classifier.state_ = State(record["history"], best_epoch=record["best_epoch"])
        classifier.classes_ = np.array([0, 1])
        return classifier

    def _build(self) -> None:
        built = assemble(
            self.backbone,
            layers=0 if self.tuning == "head" else self.layers,
            rank=self.rank,
            alpha=self.alpha,
            dropout=self.dropout,
            device=self.device,
            precision=self.precision,
            seed=self.seed,
        )
        self._adapter, self._split, self._tokenizer, self._bf16 = built
        origin = json.dumps([self._origin(), self._split.cut, self._bf16])
        if self.trunk_ is None or self.trunk_.origin != origin:  # fitted again, the frozen part is the same
            self.trunk_ = TrunkCache(origin)

    def _train(
        self,
        X: Prompts,
        y: Labels,
        X_val: Prompts | None,
        y_val: Labels | None,
        on_epoch: OnEpoch,
        checkpoint: Path | None,
        new: bool = False,
    ) -> Self:
        prompts, labels = self.sentences(X), checked_labels(y, len(X))
        validation = None
        if X_val is not None and y_val is not None:
            validation = (self._encode(X_val), checked_labels(y_val, len(X_val)))
        rows = self._encode(prompts)
        if new:
            begin_at_zero(self._split.model)
        parameters = {name: str(value) for name, value in self.get_params().items()}
        chosen = [] if validation is None else [validation[0].input_ids.tolist(), validation[1].tolist()]
        schedule = Schedule(**{field.name: getattr(self, field.name) for field in fields(Schedule)})
        self.state_ = train(
            self._split,
            rows,
            labels,
            validation,
            schedule,
            on_epoch=on_epoch,
            checkpoint=checkpoint,
            seen=[parameters, self._origin(), prompts, labels.tolist(), chosen],
        )
        self.classes_ = np.array([0, 1])
        return self

    def sentences(self, X: Prompts) -> list[str]:
        """Return the prompt that the model reads for each row."""
        if not isinstance(X, pd.DataFrame):
            return list(X)
        settings = Prompt(
            instruction=self.instruction,
            decimals=self.decimals,
            trailing_zeros=self.trailing_zeros,
            order=self.order,
        )
        return render_frame(X, settings, self.seed)

    def _encode(self, X: Prompts) -> Encoded:
        return encode(
            self._split,
            self._tokenizer,
            self.sentences(X),
            readout=self.readout,
            bf16=self._bf16,
            batch_size=self.batch_size,
            cache=self.trunk_,
        )

    def _origin(self) -> str:
        """Return what says where the backbone's weights come from."""
        return (Path(self.backbone) / "source.json").read_text(encoding="utf-8")

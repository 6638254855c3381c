"""The estimator that people take home: named features in, probability of malignancy out."""

import json
from collections.abc import Callable, Sequence
from dataclasses import fields
from inspect import signature
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import pandas as pd
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from radprompt.bayes.vectors import VectorModel
from radprompt.core.errors import InputError
from radprompt.core.hub import FromPretrained
from radprompt.core.params import Llm, Prompt
from radprompt.llm import closing
from radprompt.llm.assembly import assemble
from radprompt.llm.classifier_input import (
    FeatureNames,
    FittedColumns,
    check_options,
    read_labels,
    read_rows,
    weigh,
)
from radprompt.llm.head import begin_at_zero
from radprompt.llm.inference import Encoded, Readout, TrunkCache, encode, predict_logits, predict_states
from radprompt.llm.packaged import PACKAGED, backbone_folder
from radprompt.llm.pickled import PickledWithoutBackbone
from radprompt.llm.storage import read_classifier, write_classifier
from radprompt.llm.training import Schedule, State, train
from radprompt.study.sentences import render_frame

Rows = pd.DataFrame | ArrayLike | Sequence[str]
Labels = Sequence[object] | np.ndarray | pd.Series
OnEpoch = Callable[[dict[str, float]], None] | None


class LanguageModelClassifier(FromPretrained, PickledWithoutBackbone, FittedColumns, ClassifierMixin, BaseEstimator):
    """A pretrained language model that reads each row as a sentence and is tuned by LoRA to classify it.

    ``X`` is a frame whose **column names are read by the model** (standardised values of named features; pandas, polars
    or pyarrow), an array whose columns ``feature_names`` names, or a sequence of ready prompts. The names are the link
    between sites: :meth:`adapt` continues training on a frame with other columns (the paper's extensible learning).
    ``y`` holds two classes of any kind; the second in order counts as positive. Defaults are params.yaml's.

    Parameters
    ----------
    backbone : str or Path, default="smollm2"
        The packaged SmolLM2-135M, unpacked into the user's cache folder on first use; or a backbone's folder
        (:func:`radprompt.llm.backbone.write_backbone`).
    tuning, layers : {"lora", "head"}; int or "all", default="lora", 2
        LoRA on the last ``layers`` layers (``"all"``: every layer, as in the paper), or the head only.
    rank, alpha, dropout : int; float; float, default=16, 32, 0.0
        LoRA's rank, its scale (the output is multiplied by ``alpha / rank``) and dropout.
    readout, closing_layer : {"last", "features", "closing"}; int or None, default="features", 4
        What the head reads: ``last``, the state of the prompt's last token (paper), or ``features``, the mean of the
        states at the tokens that close each feature's sentence. ``closing``: a weight vector for each feature on that
        token's state after layer ``closing_layer`` (None: the last), by :mod:`radprompt.llm.closing`, without training.
    epochs, batch_size : int, default=8, 16
        Passes over the rows, and rows a step.
    learning_rate, weight_decay, warmup_fraction : float, default=1e-3, 0.01, 0.05
        AdamW's rate and decay, and the share of all steps before the cosine.
    best_epoch_by, patience : {"auc", "loss"}; int or None, default="loss", None
        The epoch best on the validation rows is kept; ``patience`` epochs without a better one stop training.
    device, precision : str; {"auto", "bf16", "fp32"}, default="auto", "auto"
        ``auto``, ``cpu`` or ``cuda[:n]``; bf16 autocast or not, ``auto``: where the hardware has it.
    instruction : str, default="Classify benign or malignant of this mammography based on ..."
        First sentence of the prompt.
    decimals, trailing_zeros, order : int; bool; {"fixed", "random"}, default=3, True, "fixed"
        Digits after the decimal point; whether 0.500 is printed, or 0.5 (the paper); features by name, so that the
        order of columns does not count, or in random order for each row.
    seed : int, default=0
        Random seed of the first weights, of shuffling and dropout.
    feature_names : sequence of str, "numbered" or None, default=None
        Names of the columns of arrays; ``numbered``: x0, x1, ...; None: those of the frame of :meth:`fit`.
    columns : {"fitted", "any"}, default="fitted"
        ``fitted``: a frame to predict from must have the columns that were learned, in any order.
    verbose : bool, default=True
        Whether a bar shows the epochs on a terminal.

    Attributes
    ----------
    classes_, n_features_in_, feature_names_in_
        As in scikit-learn, of the last :meth:`fit` or :meth:`adapt`; absent for prompts, and names for unnamed arrays.
    state_, trunk_
        History with the epoch that was kept; what the frozen layers made of each prompt that they read.

    Examples
    --------
    >>> X = pd.DataFrame({"Sphericity": [0.9, 0.8, -0.7, -0.9], "Entropy": [0.1, -0.2, 0.3, 0.0]})
    >>> model = LanguageModelClassifier(epochs=2).fit(X, ["benign", "benign", "malignant", "malignant"])
    >>> model.predict_proba(X).shape
    (4, 2)
    """

    trunk_: TrunkCache | None = None
    _closing: VectorModel | None = None
    feature_names_in_: NDArray[np.object_]

    SAVED = ("classifier.json", "adapter")

    def __init__(
        self,
        backbone: str | Path = PACKAGED,
        *,
        tuning: Literal["lora", "head"] = "lora",
        rank: int = 16,
        alpha: float = 32,
        dropout: float = 0.0,
        layers: int | Literal["all"] = 2,
        readout: Readout = "features",
        closing_layer: int | None = 4,
        epochs: int = 8,
        batch_size: int = 16,
        learning_rate: float = 1e-3,
        weight_decay: float = 0.01,
        warmup_fraction: float = 0.05,
        best_epoch_by: Literal["auc", "loss"] = "loss",
        patience: int | None = None,
        device: str = "auto",
        precision: Literal["auto", "bf16", "fp32"] = "auto",
        instruction: str = (
            "Classify benign or malignant of this mammography based on given standardized radiomic features."
        ),
        decimals: int = 3,
        trailing_zeros: bool = True,
        order: Literal["fixed", "random"] = "fixed",
        seed: int = 0,
        feature_names: FeatureNames = None,
        columns: Literal["fitted", "any"] = "fitted",
        verbose: bool = True,
    ) -> None:
        self.backbone = backbone
        self.tuning = tuning
        self.rank = rank
        self.alpha = alpha
        self.dropout = dropout
        self.layers = layers
        self.readout = readout
        self.closing_layer = closing_layer
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
        self.feature_names = feature_names
        self.columns = columns
        self.verbose = verbose

    @classmethod
    def from_params(cls, llm: Llm, prompt: Prompt, backbone: str | Path, seed: int) -> Self:
        """Make the classifier that ``params.yaml`` describes."""
        given = {**vars(llm), **vars(llm.lora), **vars(prompt), "backbone": backbone, "seed": seed}
        return cls(**{name: given[name] for name in signature(cls).parameters if name in given})

    def fit(
        self,
        X: Rows,
        y: Labels,
        X_val: Rows | None = None,
        y_val: Labels | None = None,
        *,
        sample_weight: ArrayLike | None = None,
        on_epoch: OnEpoch = None,
        checkpoint: Path | None = None,
    ) -> Self:
        """Start from the pretrained backbone and train; validation rows, when given, choose the epoch.

        ``sample_weight`` are factors of the training rows' losses, shape (rows,), of which only ratios count; a row of
        weight 0 is left out. An interrupted call with the same arguments continues from ``checkpoint``.

        Raises
        ------
        InputError
            An option, rows, labels or weights cannot be used, or there are not two classes.
        """
        check_options(self.get_params())
        rows = read_rows(X, self.feature_names)
        codes, classes = read_labels(y, len(rows))
        rows, codes, factors = weigh(rows, codes, sample_weight)
        self._build()
        return self._train(rows, codes, classes, factors, X_val, y_val, on_epoch, checkpoint, new=True)

    def adapt(
        self,
        X: Rows,
        y: Labels,
        X_val: Rows | None = None,
        y_val: Labels | None = None,
        *,
        sample_weight: ArrayLike | None = None,
        on_epoch: OnEpoch = None,
        checkpoint: Path | None = None,
    ) -> Self:
        """Continue training from the fitted weights; the columns may differ from those of :meth:`fit`."""
        check_is_fitted(self, "classes_")
        check_options(self.get_params())
        if (self.readout == closing.CLOSING) != (self._closing is not None):
            raise InputError("readout was set after fit", where="readout", fix="fit again with this readout")
        rows = read_rows(X, self.feature_names)
        codes, classes = read_labels(y, len(rows), self.classes_)
        rows, codes, factors = weigh(rows, codes, sample_weight)
        return self._train(rows, codes, classes, factors, X_val, y_val, on_epoch, checkpoint)

    def decision_function(self, X: Rows) -> np.ndarray:
        """Return the logit of the second class, shape (rows,)."""
        check_is_fitted(self, "classes_")
        if self._closing is not None:
            return closing.logits(self._closing, self._read_closings(self._rows(X)))
        return predict_logits(self._split, self._encode(self._rows(X)), self.batch_size).numpy().astype(float)

    def predict_proba(self, X: Rows) -> np.ndarray:
        """Return the probabilities of both classes, shape (rows, 2)."""
        malignant = 1 / (1 + np.exp(-self.decision_function(X)))
        return np.column_stack([1 - malignant, malignant])

    def predict(self, X: Rows) -> np.ndarray:
        """Return one of the two classes for each row, at probability 0.5."""
        positive = self.decision_function(X) > 0
        return self.classes_[positive.astype(int)]

    def embed(self, X: Rows) -> np.ndarray:
        """Return the enhanced radiomics: the state that the head reads for each row, shape (rows, hidden size).

        With readout ``closing``: the mean of the states that it reads.
        """
        check_is_fitted(self, "classes_")
        if self._closing is not None:
            return self._read_closings(self._rows(X)).mean()
        return predict_states(self._split, self._encode(self._rows(X)), self.batch_size).numpy()

    def save(self, folder: str | Path) -> None:
        """Write a standard peft adapter (safetensors) and ``classifier.json``; the backbone stays where it is."""
        check_is_fitted(self, "classes_")
        write_classifier(self, folder)

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
        given = {"backbone": backbone, "device": device}
        replaced = {name: value for name, value in given.items() if value is not None}
        return read_classifier(cls, Path(folder), replaced, trunk)

    @classmethod
    def _load_from(cls, folder: Path, options: dict[str, Any]) -> Self:
        inside = cls.SAVED[1]
        if folder.name == inside and (own := folder.parent / "backbone").is_dir():  # an exported model
            options = {"backbone": own} | options
        return cls.load(folder, **options)

    def _build(self) -> None:
        reads_closings = self.readout == closing.CLOSING
        built = assemble(
            self.backbone,
            layers=0 if self.tuning == "head" or reads_closings else self.layers,
            depth=self.closing_layer if reads_closings else None,
            rank=self.rank,
            alpha=self.alpha,
            dropout=self.dropout,
            device=self.device,
            precision=self.precision,
            seed=self.seed,
        )
        self._adapter, self._split, self._tokenizer, self._bf16 = built
        if reads_closings and not self._split.cut:
            raise InputError(
                "this backbone cannot be cut at a layer, and readout closing reads there",
                where="llm.readout",
                fix="set llm.readout: features or last, or use a decoder such as LLaMA, Mistral or Qwen",
            )
        kept = [closing.CLOSING] if reads_closings else []
        origin = json.dumps([self._origin(), self._split.cut, self._bf16, *kept])
        if self.trunk_ is None or self.trunk_.origin != origin:  # fitted again, the frozen part is the same
            self.trunk_ = TrunkCache(origin)

    def _train(
        self,
        given: pd.DataFrame | list[str],
        codes: np.ndarray,
        classes: np.ndarray,
        factors: np.ndarray | None,
        X_val: Rows | None,
        y_val: Labels | None,
        on_epoch: OnEpoch,
        checkpoint: Path | None,
        new: bool = False,
    ) -> Self:
        self._remember([str(name) for name in given.columns] if isinstance(given, pd.DataFrame) else None)
        chosen_by = None
        if X_val is not None and y_val is not None:
            rows_val = self._rows(X_val)
            chosen_by = rows_val, read_labels(y_val, len(rows_val), classes, what="y_val")[0]
        if self.readout == closing.CLOSING:
            if factors is not None:
                what = "readout closing counts every row alike"
                raise InputError(what, where="sample_weight", fix="leave the weights out, or set readout: features")
            self._learn_closings(given, codes, chosen_by, on_epoch, None if new else self._closing)
            self.classes_ = classes
            return self
        self._closing = None
        prompts, labels = self._render(given), torch.as_tensor(codes)
        validation = None if chosen_by is None else (self._encode(chosen_by[0]), torch.as_tensor(chosen_by[1]))
        rows = self._encode(prompts)
        if new:
            begin_at_zero(self._split.model)
        parameters = {name: str(value) for name, value in self.get_params().items() if name != "verbose"}
        chosen = [] if validation is None else [validation[0].input_ids.tolist(), validation[1].tolist()]
        seen = [parameters, self._origin(), prompts, labels.tolist(), chosen]
        schedule = Schedule(**{field.name: getattr(self, field.name) for field in fields(Schedule)})
        self.state_ = train(
            self._split,
            rows,
            labels,
            validation,
            schedule,
            row_weights=None if factors is None else torch.as_tensor(factors),
            on_epoch=on_epoch,
            checkpoint=checkpoint,
            seen=seen if factors is None else [*seen, factors.tolist()],
            progress=bool(self.verbose),
        )
        self.classes_ = classes
        return self

    def _learn_closings(
        self,
        rows: pd.DataFrame | list[str],
        codes: np.ndarray,
        validation: tuple[pd.DataFrame | list[str], np.ndarray] | None,
        on_epoch: OnEpoch,
        before: VectorModel | None,
    ) -> None:
        read = self._read_closings(rows)
        self._closing = closing.learn(self._encode_texts, self.instruction, read, codes, before)
        entry = {"epoch": 1, "learning_rate": 0.0} | closing.scores("train", self._closing, read, codes)
        if validation is not None:
            entry |= closing.scores("val", self._closing, self._read_closings(validation[0]), validation[1])
        self.state_ = State([entry], best_epoch=1)
        if on_epoch:
            on_epoch(entry)

    def sentences(self, X: Rows) -> list[str]:
        """Return the prompt that the model reads for each row."""
        return self._render(self._rows(X))

    def _render(self, X: pd.DataFrame | list[str]) -> list[str]:
        if not isinstance(X, pd.DataFrame):
            return X
        settings = Prompt(
            **{name: getattr(self, name) for name in ("instruction", "decimals", "trailing_zeros", "order")}
        )
        return render_frame(X, settings, self.seed)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        tags.classifier_tags.poor_score = True  # sentences without names tell a language model little
        return tags

    def _encode(self, X: pd.DataFrame | list[str]) -> Encoded:
        return self._encode_texts(self._render(X), self.readout, self.trunk_)

    def _encode_texts(self, texts: list[str], readout: Readout, cache: TrunkCache | None = None) -> Encoded:
        batch = self.batch_size
        return encode(
            self._split, self._tokenizer, texts, readout=readout, bf16=self._bf16, batch_size=batch, cache=cache
        )

    def _read_closings(self, X: pd.DataFrame | list[str]) -> closing.Closings:
        assert self.trunk_ is not None
        return closing.read_closings(self._encode_texts, self._render(X), self.trunk_)

    def _origin(self) -> str:
        """Return what says where the backbone's weights come from."""
        return (backbone_folder(self.backbone) / "source.json").read_text(encoding="utf-8")

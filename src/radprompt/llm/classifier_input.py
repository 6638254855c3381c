"""What the classifier is given: options as in params.yaml, frames and arrays of named features, prompts, labels."""

import json
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from numbers import Integral
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError
from sklearn.utils import assert_all_finite, check_array, column_or_1d
from sklearn.utils.multiclass import check_classification_targets

from radprompt.core.errors import InputError
from radprompt.core.params import Llm, Lora, Prompt
from radprompt.core.params_errors import explain

FeatureNames = Sequence[str] | Literal["numbered"] | None

_ARRAY_FIX = "give a data frame (a pipeline's steps make them after .set_output(transform='pandas')), or feature_names"


def check_options(options: Mapping[str, Any]) -> None:
    """Check the classifier's options by the rules of params.yaml, all at once.

    Raises
    ------
    InputError
        An option has a wrong type or value; it names each.
    """
    lora = {name: options[name] for name in Lora.__dataclass_fields__}
    llm = {name: options[name] for name in Llm.__dataclass_fields__ if name in options}
    # A run may leave the language model out (`none` in params.yaml); a classifier is one.
    llm |= {"lora": lora, "backbone": {"source": str(options["backbone"]), "revision": None}, "tuning": "lora"}
    prompt = {name: options[name] for name in ("instruction", "decimals", "order")}
    faults = [*_faults(Llm, llm), *_faults(Prompt, prompt), *_shared_faults(options)]
    if options["tuning"] not in ("lora", "head"):
        faults.append(f"tuning: Input should be 'lora' or 'head'; found {options['tuning']!r}")
    if not isinstance(options["verbose"], int | np.bool_):
        faults.append(f"verbose: True or False is expected; found {options['verbose']!r}")
    if options["columns"] not in ("fitted", "any"):
        faults.append(f"columns: Input should be 'fitted' or 'any'; found {options['columns']!r}")
    if faults:
        raise InputError("\n  ".join(faults), where="options of LanguageModelClassifier", fix="correct them")


def check_section(section: type, options: Mapping[str, Any], estimator: str) -> None:
    """Check the options of an estimator that are a section of params.yaml, its seed and names; see `check_options`."""
    content = {name: options[name] for name in section.__dataclass_fields__}  # type: ignore[attr-defined]
    if faults := [*_faults(section, content), *_shared_faults(options)]:
        raise InputError("\n  ".join(faults), where=f"options of {estimator}", fix="correct them")


def read_rows(
    X: Any,
    feature_names: FeatureNames,
    fitted: Sequence[str] | None = None,
    *,
    estimator: str = "LanguageModelClassifier",
) -> pd.DataFrame | list[str]:
    """Return prompts as a list, anything else as a frame of named features.

    Parameters
    ----------
    X
        A frame of pandas, or of another library that hands its columns over (polars, pyarrow); an array of numbers,
        shape (rows, features); or a sequence of prompts.
    feature_names
        Names of an array's columns; ``numbered``: x0, x1, ...; None: those that the classifier was fitted on.
    fitted
        Names of the features that the classifier was fitted on; None where it was not, or on prompts.
    estimator
        Name of the class, for messages.

    Raises
    ------
    InputError
        A single text, an array without names or with missing values, or no rows or columns.
    """
    if isinstance(X, str):
        raise InputError("a single text is not a sequence of prompts", where="X", fix="give a list: [text]")
    prompts = _prompts_in(X)
    if prompts is not None:
        return prompts
    frame = _frame_of(X)
    if frame is None:
        return _named_array(X, feature_names, fitted, estimator)
    if frame.empty:
        raise InputError(
            f"a frame of {len(frame)} rows and {frame.shape[1]} columns", where="X", fix="give some of both"
        )
    names = [str(name) for name in frame.columns]
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise InputError(f"column(s) {repeated[:5]} repeated", where="X", fix="give each feature one column")
    return frame


def require_columns(frame: pd.DataFrame, fitted: Sequence[str]) -> None:
    """Refuse a frame with other columns than ``fitted``, in any order; the message pairs likely typos."""
    names = [str(name) for name in frame.columns]
    missing, unknown = [n for n in fitted if n not in names], [n for n in names if n not in fitted]
    if not missing and not unknown:
        return
    likely = [f"{name!r} for {close[0]!r}" for name in unknown[:5] if (close := get_close_matches(name, missing, 1))]
    parts = [
        f"{what}: {', '.join(map(repr, some[:5]))}"
        for what, some in (("missing", missing), ("unknown", unknown))
        if some
    ]
    raise InputError(
        "; ".join(parts) + (f" (perhaps {', '.join(likely)})" if likely else ""),
        where="columns of X",
        fix="give the columns of fit or adapt, in any order, or set columns='any' to predict from others",
    )


def read_labels(y: Any, rows: int, classes: NDArray | None = None, *, what: str = "y") -> tuple[NDArray, NDArray]:
    """Return labels as 0 and 1, shape (rows,), and the two classes that these stand for, in order.

    Parameters
    ----------
    y
        One label of any kind a row.
    rows
        How many there are.
    classes
        The two classes of an earlier fit; None: those of ``y``.
    what
        Name of the argument, for messages.

    Raises
    ------
    InputError
        Another number of labels, missing ones, fewer or more than two classes, or a label of none of the classes.
    """
    if y is None:
        raise InputError(f"a classifier requires y to be passed, but the target {what} is None", where=what)
    try:
        labels = column_or_1d(np.asarray(y), warn=True)
        assert_all_finite(labels, input_name="y")
        if labels.dtype == object and (absent := pd.isna(labels)).any():
            raise InputError(f"no label in row {int(np.argmax(absent))}", where=what, fix="leave such rows out")
        check_classification_targets(labels)
    except InputError:
        raise
    except (ValueError, TypeError) as error:  # TypeError: labels of several kinds have no order
        raise InputError(str(error), where=what, fix="give one label a row, all of one kind") from None
    if len(labels) != rows:
        raise InputError(f"{rows} rows but labels of shape {labels.shape}", where=what, fix="one label a row")
    if classes is None:
        classes = np.unique(labels)
        if len(classes) == 1:
            raise InputError(
                f"one class only: {classes.tolist()[0]!r}", where=what, fix="a classifier needs two classes"
            )
        if len(classes) > 2:
            raise InputError(
                "Only binary classification is supported. The type of the target is multiclass: "
                f"{len(classes)} classes, {', '.join(map(repr, classes.tolist()[:5]))}",
                where=what,
                fix="leave rows of other classes out, or join classes",
            )
    odd = ~np.isin(labels, classes)
    if odd.any():
        row = int(np.argmax(odd))
        raise InputError(
            f"label {labels.tolist()[row]!r} in row {row} is none of the classes {classes.tolist()}",
            where=what,
            fix="give labels of the classes that the classifier was fitted on",
        )
    return (labels == classes[1]).astype(np.float32), classes


def weigh(
    rows: pd.DataFrame | list[str], codes: NDArray, sample_weight: Any
) -> tuple[pd.DataFrame | list[str], NDArray, NDArray[np.float32] | None]:
    """Return the rows that are trained on, their labels, and the factors of their losses (None: 1 each).

    A row of weight 0 is left out, as if it had not been given. The other weights are divided by their mean, so that
    only their ratios count.

    Parameters
    ----------
    rows, codes
        Frame or prompts, and labels 0 and 1, shape (rows,).
    sample_weight
        One number a row; None: rows count alike.

    Raises
    ------
    InputError
        Another number of weights, one that is negative or not a finite number, or one class left.
    """
    if sample_weight is None:
        return rows, codes, None
    fix = "give one number a row, 0 or more; those of both classes must not all be 0"
    try:
        weights = np.asarray(sample_weight, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(str(error), where="sample_weight", fix=fix) from None
    if weights.shape != (len(rows),):
        raise InputError(f"{len(rows)} rows but weights of shape {weights.shape}", where="sample_weight", fix=fix)
    wrong = ~(np.isfinite(weights) & (weights >= 0))
    if wrong.any():
        row = int(np.argmax(wrong))
        raise InputError(f"weight {weights.tolist()[row]} in row {row}", where="sample_weight", fix=fix)
    kept = np.flatnonzero(weights)
    weights, codes = weights[kept], codes[kept]
    if not len(kept):
        raise InputError("all weights are zero", where="sample_weight", fix=fix)
    if len(set(codes.tolist())) < 2:
        raise InputError("rows with a weight are of one class", where="sample_weight, y", fix=fix)
    rows = rows.iloc[kept] if isinstance(rows, pd.DataFrame) else [rows[place] for place in kept]
    return rows, codes, None if (weights == weights[0]).all() else (weights / weights.mean()).astype(np.float32)


def _faults(section: type, content: Mapping[str, Any]) -> list[str]:
    def plain(value: Any) -> Any:
        return value.item() if isinstance(value, np.generic) else repr(value)

    try:
        TypeAdapter(section).validate_json(json.dumps(content, default=plain))
    except ValidationError as error:
        return [explain(problem, section).removeprefix("lora.") for problem in error.errors()]
    return []


def _shared_faults(options: Mapping[str, Any]) -> list[str]:
    faults, seed, names = [], options["seed"], options["feature_names"]
    if not isinstance(seed, Integral) or isinstance(seed, bool) or seed < 0:
        faults.append(f"seed: a whole number from 0 on is expected; found {seed!r}")
    if names is not None and names != "numbered" and not _are_names(names):
        faults.append(f"feature_names: different texts, 'numbered' or None are expected; found {names!r}")
    return faults


def _are_names(names: Any) -> bool:
    if isinstance(names, str) or not isinstance(names, Sequence | np.ndarray | pd.Index):
        return False
    return all(isinstance(name, str) and name for name in names) and len(set(names)) == len(names)


def _prompts_in(X: Any) -> list[str] | None:
    """Return the texts of a one-dimensional sequence, None where it holds anything else."""
    if isinstance(X, np.ndarray) and X.ndim != 1:
        return None
    if not isinstance(X, Sequence | pd.Series | pd.Index | np.ndarray):
        return None
    texts = [isinstance(item, str) for item in X]
    if not any(texts):
        return None
    if not all(texts):
        row = texts.index(False)
        raise InputError(
            f"row {row} is {list(X)[row]!r}, not text as others are", where="X", fix="give one prompt a row"
        )
    return [str(item) for item in X]


def _frame_of(X: Any) -> pd.DataFrame | None:
    if isinstance(X, pd.DataFrame):
        return X
    if not hasattr(X, "__arrow_c_stream__"):
        return None
    try:
        return pd.DataFrame.from_arrow(X)  # type: ignore[attr-defined]  # the stubs are of pandas 2
    except Exception as error:  # whatever the other library raises
        raise InputError(f"not a frame of columns: {error}", where="X", fix="give a frame of pandas") from None


def _named_array(X: Any, feature_names: FeatureNames, fitted: Sequence[str] | None, estimator: str) -> pd.DataFrame:
    try:
        values = check_array(X, dtype="numeric", input_name="X")
    except ValueError as error:
        raise InputError(
            str(error), where="X", fix="give finite numbers, one row a case and one column a feature"
        ) from None
    count = values.shape[1]
    if fitted is not None and len(fitted) != count:
        what = f"X has {count} features, but {estimator} is expecting {len(fitted)} features as input"
        raise InputError(what, where="X", fix="give the columns of fit")
    if feature_names is None and fitted is None:
        raise InputError("an array has no feature names, and the model reads names", where="X", fix=_ARRAY_FIX)
    names = numbered(count) if feature_names == "numbered" else list(feature_names or fitted or [])
    if len(names) != count:
        raise InputError(f"{len(names)} feature_names for {count} columns", where="X", fix="give one a column")
    return pd.DataFrame(values, columns=names)


def numbered(count: int) -> list[str]:
    """Return scikit-learn's names for columns without any: x0, x1, ..."""
    return [f"x{place}" for place in range(count)]


class FittedColumns:
    """Remembers the columns that a classifier was fitted on, and asks for them again."""

    feature_names: FeatureNames
    columns: Literal["fitted", "any"]

    def _remember(self, names: list[str] | None) -> None:
        """Keep the features' names; None: it learned from prompts."""
        for attribute in ("_names", "n_features_in_", "feature_names_in_"):
            self.__dict__.pop(attribute, None)
        if names is None:
            return
        self._names, self.n_features_in_ = tuple(names), len(names)
        if names != numbered(len(names)):
            self.feature_names_in_ = np.array(names, dtype=object)

    def _rows(self, X: Any) -> pd.DataFrame | list[str]:
        """Return rows to predict from, with the columns that were learned where that is asked for."""
        names = getattr(self, "_names", None)
        rows = read_rows(X, self.feature_names, names)
        if isinstance(rows, pd.DataFrame) and names is not None and self.columns == "fitted":
            require_columns(rows, names)
        return rows

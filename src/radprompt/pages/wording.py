"""Numbers and names as a reader sees them."""

import math
from collections.abc import Iterable
from typing import Literal

SELECTIONS = {"mrmr": "mRMR", "common_eight": "the paper's common eight", "all": "every feature"}
"""Words for ``features.selection``."""

MINUS = "\N{MINUS SIGN}"
NOTHING = "\N{EN DASH}"

_METRICS = {
    "auc": "AUC",
    "f1": "F1",
    "ppv": "PPV",
    "npv": "NPV",
    "brier": "Brier",
    "ece": "ECE",
}

Verdict = Literal["above", "includes", "below", "unknown"]


def metric_name(key: str) -> str:
    """Return a metric's name as a table's head has it."""
    return _METRICS.get(key, key.replace("_", " ").capitalize())


def number(value: float | None, decimals: int = 3) -> str:
    """Return a fixed number of decimals with a true minus sign; a dash for None and NaN."""
    if value is None or not math.isfinite(value):
        return NOTHING
    text = f"{value:.{decimals}f}"
    if float(text) == 0:
        text = text.removeprefix("-")
    return text.replace("-", MINUS)


def spread(value: float | None, decimals: int = 3) -> str:
    """Return ``SD 0.034``, or nothing where there is no standard deviation."""
    return "" if value is None or not math.isfinite(value) else f"SD {number(value, decimals)}"


def interval(low: float | None, high: float | None, decimals: int = 2) -> str:
    """Return ``low to high``, or nothing where a bound is missing."""
    if low is None or high is None or not (math.isfinite(low) and math.isfinite(high)):
        return ""
    return f"{number(low, decimals)} to {number(high, decimals)}"


def p_value(value: float | None) -> str:
    """Return a p-value with three decimals, or that it is smaller."""
    return "<0.001" if value is not None and value < 0.001 else number(value)


def percent(fraction: float) -> str:
    """Return a fraction as a percentage without needless decimals."""
    return f"{100 * fraction:.3g} %"


def listing(names: Iterable[str]) -> str:
    """Return ``a, b and c``."""
    names = list(names)
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def extent(values: Iterable[int]) -> str:
    """Return ``38 to 44``, or the one value that all have."""
    values = sorted(set(values))
    return f"{values[0]} to {values[-1]}" if len(values) > 1 else str(*values)


def count(amount: int, one: str, many: str = "") -> str:
    """Return the amount with its noun, in the plural unless it is 1."""
    return f"{amount:,} {one if amount == 1 else many or one + 's'}"


def verdict(low: float, high: float, at: float = 0.0) -> Verdict:
    """Say where an interval lies: above or below a value, or around it (its ends included)."""
    if not (math.isfinite(low) and math.isfinite(high)):
        return "unknown"
    return "above" if low > at else "below" if high < at else "includes"

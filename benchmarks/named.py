"""The named model against plain ways: seconds on one core, and whether its intervals and adaptation hold.

    OMP_NUM_THREADS=1 python benchmarks/named.py

Takes   about 2 min on one core
"""

import os
import time
from dataclasses import asdict

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pandas as pd
from measuring import Row, median_s
from scipy.special import expit
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from radprompt import NamedClassifier

DIMENSIONS = 576  # of SmolLM2's states
DRAWS = 500


def table(rows: int, columns: int, seed: int = 0) -> tuple[pd.DataFrame, pd.DataFrame, np.ndarray]:
    """Draw vectors of names, correlated features whose coefficients half follow the names, and classes."""
    rng = np.random.default_rng(seed)
    names = [f"feature {i:04d}" for i in range(columns)]
    vectors = rng.normal(size=(columns, DIMENSIONS))
    X = rng.normal(size=(rows, 8)) @ rng.normal(size=(8, columns)) + rng.normal(size=(rows, columns))
    X /= X.std(axis=0)
    coefficients = (vectors[:, :8].mean(axis=1) * 3 + rng.normal(size=columns)) / np.sqrt(columns)
    y = (rng.uniform(size=rows) < expit(X @ coefficients)).astype(int)
    return pd.DataFrame(vectors, names), pd.DataFrame(X, columns=names), y


def fits(rows: int, columns: int, repeats: int) -> list[Row]:
    """Time one fit, scales included, against logistic regression with one C and with C by cross-validation."""
    vectors, X, y = table(rows, columns)
    one = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    searched = make_pipeline(
        StandardScaler(), LogisticRegressionCV(Cs=10, cv=5, l1_ratios=(0,), use_legacy_attributes=False, max_iter=1000)
    )
    ours = median_s(lambda: NamedClassifier(vectors).fit(X, y), repeats)
    what = f"fit, {rows:,} rows x {columns:,} names"
    return [
        Row(what, "s", median_s(lambda: one.fit(X, y), repeats), ours, None, "plain: one C, no intervals"),
        Row(what, "s", median_s(lambda: searched.fit(X, y), 1), ours, None, "plain: C by 5-fold cross-validation"),
        Row(f"{what}, no names", "s", None, median_s(lambda: NamedClassifier().fit(X, y), repeats)),
    ]


def name_test(rows: int, columns: int) -> Row:
    """Time the permutation test; the plain way would fit again for each of the 200 orders of the names."""
    vectors, X, y = table(rows, columns)
    model = NamedClassifier(vectors).fit(X, y)
    refit = median_s(lambda: NamedClassifier(vectors).fit(X, y), 1)
    ours = median_s(lambda: model.name_test(200), 1)
    return Row(
        f"name test, {rows:,} rows x {columns:,} names", "s", 200 * refit, ours, None, "200 draws; plain: refits"
    )


def adaptation(seed: int, rows_a: int, rows_b: int, columns: int) -> float:
    """Return the largest difference of a logit between adapting and the joint fit with the same scales."""
    vectors, X, y = table(rows_a + rows_b, columns, seed)
    model = NamedClassifier(vectors).fit(X[:rows_a], y[:rows_a], site="A").adapt(X[rows_a:], y[rows_a:], site="B")
    joint = NamedClassifier(vectors, scales=asdict(model.scales_), scaling=model.scaling_)
    joint.fit(X, y, site=["A"] * rows_a + ["B"] * rows_b)
    return float(np.abs(model.decision_function(X) - joint.decision_function(X, site="B")).max())


def coverage(known: bool, rows: int = 100, columns: int = 8, total: float = 0.6, alike: float = 0.5) -> float:
    """Return the share of true coefficients inside their 90 % intervals, drawn from the prior itself."""
    rng = np.random.default_rng(5)
    inside = []
    for _ in range(DRAWS):
        vectors = pd.DataFrame(rng.normal(size=(columns, 3)), [f"n{i:03d}" for i in range(columns)])
        scales = {"total": total, "alike": alike, "length": 1.0}
        z = rng.normal(size=(rows, columns))
        empty = NamedClassifier(vectors, scaling="none", scales=scales)
        empty.fit(pd.DataFrame(np.zeros((2, columns)), columns=vectors.index), [0, 1])  # rows of zeros: the prior
        covariance = empty.model_.at(0, list(vectors.index)).covariance[:-1, :-1]
        coefficients = rng.multivariate_normal(np.zeros(columns), covariance)
        y = (rng.uniform(size=rows) < expit(z @ coefficients + rng.normal())).astype(int)
        model = NamedClassifier(vectors, scaling="none", scales=scales if known else None)
        found = model.fit(pd.DataFrame(z, columns=vectors.index), y).coefficients()
        inside += ((found["low"] < coefficients) & (coefficients < found["high"])).tolist()
    return float(np.mean(inside))


def main(repeats: int = 3) -> list[Row]:
    """Measure the seconds."""
    return [*fits(200, 1_000, repeats), *fits(5_000, 67, repeats), name_test(200, 1_000), name_test(5_000, 67)]


if __name__ == "__main__":
    start = time.perf_counter()
    print(f"{'':44}{'plain':>9}{'ours':>9}  {'ratio':>6}")
    for row in main():
        plain, ratio = ("", "") if row.plain is None else (f"{row.plain:.3g}", f"{row.ratio:.2g}x")
        print(f"{row.what:44}{plain:>9}{row.ours:>9.3g}  {ratio:>6}  {row.note}")
    for rows_a, rows_b, columns in ((300, 100, 8), (300, 100, 67), (2_000, 500, 67), (100, 50, 200)):
        largest = [adaptation(seed, rows_a, rows_b, columns) for seed in range(5)]
        shown = ", ".join(f"{value:.3f}" for value in largest)
        print(
            f"adapting against the joint fit, {rows_a} + {rows_b} rows x {columns} names, 5 tables: logits to {shown}"
        )
    for known in (True, False):
        source = "known scales" if known else "scales by the evidence"
        print(f"coverage of 90 % intervals, {DRAWS} draws, {source}: {coverage(known):.3f}")
    print(f"in {time.perf_counter() - start:.0f} s")

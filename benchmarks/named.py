"""The named model against plain ways: seconds on one core, and whether its intervals and adaptation hold.

    OMP_NUM_THREADS=1 python benchmarks/named.py            # seconds beside plain ways
    OMP_NUM_THREADS=1 python benchmarks/named.py --limits      # writes benchmarks/named.csv, which docs/method.md shows
    OMP_NUM_THREADS=1 python benchmarks/named.py --wisconsin   # writes benchmarks/wisconsin.csv, likewise

--wisconsin: scikit-learn's breast cancer data at two hospitals as in examples/wisconsin: A measured ten means, B the
other twenty features. Ten times half of B's masses is tested, and the model of A's masses learns from the first 0, 5, 10
or 20 of the rest, as many of each class as the draw has; mean AUC, and its 95 % interval over patients.

Reads   with --limits: data/standardised/inbreast_extended.csv, models/names/ and models/selection/ of the demo
Takes   about 2 min on one core
"""

import os
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from copy import deepcopy
from dataclasses import asdict
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pandas as pd
from measuring import Row, median_s
from scipy.special import expit
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from radprompt import NamedClassifier
from radprompt.core.outputs import write_csv
from radprompt.core.params import load_params
from radprompt.evaluation.intervals import interval, patient_resamples, repeat_mean, score_draws
from radprompt.named.states import read_states
from radprompt.named.variants import columns_of
from radprompt.selection.record import Selection
from radprompt.tables.cohort import of_setting, of_start
from radprompt.tables.embeddings import read_embeddings
from radprompt.tables.features import read_standardised

DIMENSIONS = 576  # of SmolLM2's states
DRAWS = 500
LIMITS = Path("benchmarks/named.csv")
WISCONSIN = Path("benchmarks/wisconsin.csv")
INSTRUCTION = (
    "Classify benign or malignant of this breast mass based on given standardized features of its cell nuclei."
)


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


def core_s(work: Callable[[], object]) -> float:
    """Return the seconds of one core that a call takes, whatever else the machine does."""
    start = time.process_time()
    work()
    return time.process_time() - start


def measured() -> list[dict[str, object]]:
    """Return what is promised of the model, beside what this machine shows: one row a promise."""
    rows: list[dict[str, object]] = []

    def add(what: str, found: float, unit: str, promised: str, kept: bool) -> None:
        rows.append({"what": what, "found": f"{found:.3g}", "unit": unit, "promised": promised, "kept": kept})
        print(*rows[-1].values(), flush=True)

    for rows_in, names, most in ((200, 1_000, 2), (5_000, 67, 30)):
        vectors, X, y = table(rows_in, names)
        seconds = core_s(lambda X=X, y=y, vectors=vectors: NamedClassifier(vectors).fit(X, y))
        add(f"fit, {rows_in:,} rows x {names:,} names", seconds, "s", f"under {most}", seconds < most)
        if names == 1_000:
            model = NamedClassifier(vectors).fit(X, y)
            seconds = core_s(lambda model=model: model.name_test(200))
            add(f"test of names, 200 draws, {rows_in:,} x {names:,}", seconds, "s", "under 60", seconds < 60)
    for known in (True, False):
        source = "known scales" if known else "scales by the evidence"
        share = 100 * coverage(known)
        what = f"true coefficients in their 90 % intervals, {DRAWS} tables, {source}"
        add(what, share, "%", "90 within 3", abs(share - 90) <= 3)
    largest = max(adaptation(seed, 300, 100, 8) for seed in range(5))
    what = "largest difference of a logit, adapted or fitted jointly, 300 + 100 simulated rows x 8 names, 5 tables"
    add(what, largest, "", "", largest < 0.05)
    for variant in ("named", "named_all"):
        largest = demo_adaptation(variant)
        add(f"the same on the demo's test lesions, `{variant}`", largest, "", "under 0.05", largest < 0.05)
    return rows


def demo_adaptation(variant: str) -> float:
    """Return that difference on the second site's test lesions of the first repeat, the demo's features."""
    params = load_params()
    standardised = read_standardised("data/standardised/inbreast_extended.csv")
    own = of_setting(standardised)
    own = own[own["repeat"] == 0]
    first, train = (part[part["split"] == "train"] for part in (of_start(standardised), own))
    names = read_embeddings("models/names/states.safetensors")
    folder = Path("models/selection/inbreast_extended")
    chosen = [Selection.load(folder / f"{repeat}.json") if variant == "named" else None for repeat in ("start", "0")]
    columns = [
        columns_of(part, selection, params.prompt, params.seed)
        for part, selection in zip((first, train), chosen, strict=True)
    ]
    X = [of.of(part) for of, part in zip(columns, (first, train), strict=True)]
    y = [part["label"].to_numpy() for part in (first, train)]
    test = columns[1].of(own[own["split"] == "test"])
    model = NamedClassifier(names).fit(X[0], y[0], site="first").adapt(X[1], y[1], site="second")
    joint = NamedClassifier(names, scales=asdict(model.scales_), scaling=model.scaling_)
    joint.fit(pd.concat(X), np.concatenate(y), site=["first"] * len(y[0]) + ["second"] * len(y[1]))
    return float(np.abs(model.decision_function(test) - joint.decision_function(test, site="second")).max())


def wisconsin(draws: int = 10) -> pd.DataFrame:
    """Return AUC at the second hospital by labelled cases and model, with intervals over patients."""
    source = load_breast_cancer(as_frame=True)
    y = 1 - source.target.to_numpy()  # 1: malignant
    means = [name for name in source.data if name.startswith("mean ")]
    others = [name for name in source.data if name not in means]
    at_a, at_b = train_test_split(np.arange(len(y)), test_size=0.5, random_state=2025, stratify=y)
    vectors = pd.DataFrame(read_states("smollm2", [*means, *others], instruction=INSTRUCTION), [*means, *others])
    permuted = pd.DataFrame(vectors.sample(frac=1, random_state=0).to_numpy(), vectors.index)
    first = {
        model: NamedClassifier(names).fit(source.data.iloc[at_a][means], y[at_a], site="A")
        for model, names in (("named_all", vectors), ("named_permuted", permuted), ("named_without_names", None))
    }
    resamples = patient_resamples(at_b, 2000, 0)
    aucs: dict[tuple[int, str], list[tuple[float, np.ndarray]]] = defaultdict(list)
    for draw in range(draws):
        pool, tested = train_test_split(np.arange(len(at_b)), test_size=0.5, random_state=draw, stratify=y[at_b])
        X, truth = source.data.iloc[at_b[tested]][others], y[at_b[tested]]
        for cases in (0, 5, 10, 20):
            few = pool
            if cases:
                few, _ = train_test_split(pool, train_size=cases, random_state=draw, stratify=y[at_b[pool]])
            labelled, labels = source.data.iloc[at_b[few]][others], y[at_b[few]] if cases else None
            models = {name: deepcopy(model).adapt(labelled, labels, site="B") for name, model in first.items()}
            if cases:
                models["logistic_regression"] = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
                models["logistic_regression"].fit(labelled, labels)
            for name, model in models.items():
                found = model.predict_proba(X)[:, 1]
                drawn = score_draws(truth, found, resamples[:, tested], None, 10)["auc"]
                aucs[cases, name].append((roc_auc_score(truth, found), drawn))
    rows = []
    for (cases, model), found in aucs.items():
        low, high = interval(repeat_mean([drawn for _, drawn in found]), 0.95)
        auc = float(np.mean([auc for auc, _ in found]))
        rows.append({"cases": cases, "model": model, "auc": auc, "low": low, "high": high, "draws": draws})
        print(*rows[-1].values(), flush=True)
    return pd.DataFrame(rows)


if __name__ == "__main__":
    start = time.perf_counter()
    if "--limits" in sys.argv:
        write_csv(LIMITS, pd.DataFrame(measured()))
    elif "--wisconsin" in sys.argv:
        write_csv(WISCONSIN, wisconsin())
    else:
        print(f"{'':44}{'plain':>9}{'ours':>9}  {'ratio':>6}")
        for row in main():
            plain, ratio = ("", "") if row.plain is None else (f"{row.plain:.3g}", f"{row.ratio:.2g}x")
            print(f"{row.what:44}{plain:>9}{row.ours:>9.3g}  {ratio:>6}  {row.note}")
    print(f"in {time.perf_counter() - start:.0f} s")

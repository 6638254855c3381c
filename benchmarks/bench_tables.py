"""Selection, resampling, tables: mRMR, the patient bootstrap and a lesion table of 20,000 rows, against plain ways."""

import math
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from measuring import Row, median_s
from sklearn import metrics

ROWS, FEATURES, PICKED = 1_000, 67, 8
LESIONS, PATIENTS, DRAWS, PLAIN_DRAWS = 400, 200, 2_000, 100
TABLE = 20_000


def mrmr(repeats: int) -> Row:
    """MIQ over 67 features: scikit-learn's mutual information in a loop, against the selector."""
    from radprompt.selection.mrmr import MRMRSelector, discretise

    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, ROWS)
    X = rng.normal(size=(ROWS, FEATURES)) + y[:, None] * np.linspace(1, 0, FEATURES)
    X[:, 1::2] += X[:, ::2][:, : X[:, 1::2].shape[1]]  # neighbours that say the same

    def plain() -> list[int]:
        levels = discretise(X, 5).T
        relevance = np.array([metrics.mutual_info_score(y, level) for level in levels]) / math.log(2)
        picked, redundancy = [int(relevance.argmax())], np.zeros(FEATURES)
        while len(picked) < PICKED:
            last = levels[picked[-1]]
            redundancy += np.array([metrics.mutual_info_score(last, level) for level in levels]) / math.log(2)
            score = relevance / (redundancy / len(picked) + 1e-4)
            score[picked] = -np.inf
            picked.append(int(score.argmax()))
        return picked

    def ours() -> list[int]:
        return MRMRSelector(PICKED).fit(X, y).ranking_.tolist()

    if plain() != ours():
        raise SystemExit(f"mRMR: {plain()} and {ours()}")
    note = f"{PICKED} of {FEATURES} features, {ROWS} lesions, the same picks"
    return Row("mRMR", "s", median_s(plain, repeats), median_s(ours, repeats), None, note)


def bootstrap(repeats: int) -> Row:
    """All metrics on 2,000 resamples: scikit-learn on each (timed on 100), against all at once."""
    from radprompt.evaluation.intervals import patient_resamples, score_draws

    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, LESIONS)
    probability = np.clip(0.4 * labels + rng.uniform(0, 0.6, LESIONS), 0, 1)
    resamples = patient_resamples(np.repeat(np.arange(PATIENTS), LESIONS // PATIENTS), DRAWS, 0)

    def plain() -> list[float]:
        found = []
        for drawn in resamples[:PLAIN_DRAWS]:
            y, p = np.repeat(labels, drawn), np.repeat(probability, drawn)
            called = p >= 0.5
            metrics.average_precision_score(y, p)
            metrics.balanced_accuracy_score(y, called)
            metrics.f1_score(y, called)
            metrics.confusion_matrix(y, called)
            metrics.brier_score_loss(y, p)
            found.append(metrics.roc_auc_score(y, p))
        return found

    def ours() -> dict:
        return score_draws(labels, probability, resamples, 0.5, 10)

    np.testing.assert_allclose(ours()["auc"][:PLAIN_DRAWS], plain(), rtol=0, atol=1e-12)
    note = f"{DRAWS} draws of {PATIENTS} patients, {LESIONS} lesions; plain: six of our 13 metrics, {PLAIN_DRAWS} draws"
    return Row("bootstrap", "s", median_s(plain, repeats) * DRAWS / PLAIN_DRAWS, median_s(ours, repeats), None, note)


def lesion_table(repeats: int) -> list[Row]:
    """Write and read 20,000 lesions: pandas row by row, against ours with its checks."""
    from radprompt.core.outputs import write_csv
    from radprompt.tables.lesions import Lesion, from_table, read_lesions, to_table

    one = Lesion("", "", "s", "vindr_mammo", "i.dicom", "CC", "L", "4", 1, "train", 1, 2, 30, 40, "", 0.07, "table")
    lesions = [replace(one, lesion_id=f"l{i:05d}", patient_id=f"p{i // 3}") for i in range(TABLE)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "lesions.csv")
        writing = median_s(lambda: write_csv(path, to_table(lesions)), repeats)

        def plain() -> list[Lesion]:
            table = pd.read_csv(path, dtype={"birads": str, "mask_path": str}, keep_default_na=False)
            return [Lesion(**row) for _, row in table.iterrows()]

        def ours() -> list[Lesion]:
            return list(from_table(read_lesions(path)))

        if plain() != ours():
            raise SystemExit("the lesion table is not read back as it was")
        reading = Row(f"read {TABLE:,} lesions", "s", median_s(plain, repeats), median_s(ours, repeats))
    return [reading, Row(f"write {TABLE:,} lesions", "s", None, writing)]


def main(repeats: int = 3) -> list[Row]:
    """Compare them."""
    return [mrmr(repeats), bootstrap(repeats), *lesion_table(repeats)]


if __name__ == "__main__":
    for row in main(1):
        print(row, row.ratio)

"""Write scikit-learn's breast cancer table as that of two hospitals which measured other features of other masses.

    python examples/wisconsin/write_table.py wisconsin.csv

569 masses, 30 features of cell nuclei in fine-needle aspirates (Street, Wolberg and Mangasarian, SPIE 1905, 1993; CC BY
4.0). Half of the masses, drawn by a fixed seed with the classes' shares, go to hospital A with the 10 means, the other
half to hospital B with the 20 standard errors and worst values; the other cells stay empty. No mass is at both.
"""

import sys
from pathlib import Path

import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split

SEED = 2025


def main(path: str) -> None:
    """Write the table."""
    source = load_breast_cancer(as_frame=True)
    table = source.data.copy()
    means = [name for name in table if name.startswith("mean ")]
    others = [name for name in table if name not in means]
    at_a, at_b = train_test_split(np.arange(len(table)), test_size=0.5, random_state=SEED, stratify=source.target)
    table.iloc[at_a, table.columns.get_indexer(others)] = np.nan
    table.iloc[at_b, table.columns.get_indexer(means)] = np.nan
    table.insert(0, "diagnosis", [source.target_names[label] for label in source.target])
    table.insert(0, "hospital", np.where(np.isin(np.arange(len(table)), at_a), "A", "B"))
    table.insert(0, "mass", [f"mass_{number:03d}" for number in range(1, len(table) + 1)])
    table.sort_values(["hospital", "mass"]).to_csv(Path(path), index=False, lineterminator="\n")


if __name__ == "__main__":
    main(sys.argv[1])

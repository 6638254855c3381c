"""Put what was measured beside the paper's tables, and say what cannot be compared.

Reads   settings.yaml; params.yaml (data); metrics/comparison.csv; the paper's figures, which the package carries.
Writes  metrics/paper_comparison.csv, a row for each row of the paper's Tables 1 to 5.
Takes   little more than the time to start
Expect  49 rows; in the 21 of conventional models the printed AUC is the balanced accuracy of hard labels.
"""

import pandas as pd

from radprompt.core.errors import InputError
from radprompt.core.outputs import write_csv
from radprompt.core.params import load_params
from radprompt.core.stage import run
from radprompt.evaluation.paper import compare_with_paper, is_synthetic
from radprompt.study.settings import load_settings

SOURCE, TARGET = "metrics/comparison.csv", "metrics/paper_comparison.csv"


def main() -> None:
    """Write the comparison with the paper."""
    try:
        comparison = pd.read_csv(SOURCE)
    except FileNotFoundError:
        raise InputError("no such file", where=SOURCE, fix="run `dvc repro summary`, or `dvc pull`") from None
    table = compare_with_paper(comparison, load_settings(), synthetic=is_synthetic(load_params()))
    write_csv(TARGET, table)
    print(f"paper_comparison: {table['accuracy'].notna().sum()} of {len(table)} rows have one of ours beside: {TARGET}")


if __name__ == "__main__":
    run(main)

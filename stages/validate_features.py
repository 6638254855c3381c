"""Check the radiomics features before anything is fitted on them.

    python stages/validate_features.py

Reads   settings.yaml (measured); params.yaml (radiomics); data/lesions/, data/features/
Writes  metrics/validation/features.json (a count for each suite), data/validation/features/ (Great Expectations'
        results)
Takes   mostly the import of Great Expectations; grows with lesions
Expect  no error; one stops here and names feature and lesions: values outside what a feature can be by definition
"""

import pandas as pd

from radprompt.core.params import load_params
from radprompt.core.stage import run
from radprompt.gates.expectations import read_cells
from radprompt.gates.features import feature_suite
from radprompt.gates.results import conclude
from radprompt.study.settings import load_settings
from radprompt.tables.lesions import read_lesions


def main() -> None:
    """Check every measured data set's table."""
    params = load_params()
    suites = []
    for dataset in load_settings().measured:
        table = read_cells(f"data/features/{dataset}.csv")
        lesions = read_lesions(f"data/lesions/{dataset}.csv")
        excluded = len(pd.read_csv(f"data/features/{dataset}_exclusions.csv", dtype=str))
        suites.append(feature_suite(dataset, table, lesions, excluded, params.radiomics))
    print(conclude("features", suites))


if __name__ == "__main__":
    run(main)

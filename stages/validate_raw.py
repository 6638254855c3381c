"""Check the data sets' own tables before anything is made of them.

    python stages/validate_raw.py

Reads   settings.yaml (data_sets); params.yaml (data); the tables of the data sets below data.root
Writes  metrics/validation/raw.json (a count for each suite), data/validation/raw/ (Great Expectations' results)
Takes   mostly the import of Great Expectations; grows with rows of the tables
Expect  warnings for the rows that loaders leave out or mend; an error stops here and names column and rows
"""

from pathlib import Path

from radprompt.core.params import load_params
from radprompt.core.stage import run
from radprompt.evaluation.paper import is_synthetic
from radprompt.gates.raw_tables import raw_suites
from radprompt.gates.results import conclude
from radprompt.study.settings import load_settings


def main() -> None:
    """Check the tables as they were released."""
    params = load_params()
    suites = raw_suites(Path(params.data.root), load_settings().data_sets, synthetic=is_synthetic(params))
    print(conclude("raw", suites))


if __name__ == "__main__":
    run(main)

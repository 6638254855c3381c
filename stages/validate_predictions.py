"""Check a setting's predictions, and the lesions that its language model learnt from, before they are scored.

    python stages/validate_predictions.py inbreast_adapted

Reads   settings.yaml; data/predictions/<setting>/*.csv, whoever wrote them;
        models/language_model/<setting>/*/lesions.json; data/cohorts/<setting>.csv, for what each row should say
Writes  metrics/validation/predictions/<setting>.json (a count for each suite), data/validation/predictions/<setting>/
        (Great Expectations' results)
Takes   mostly the import of Great Expectations; grows with predictions
Expect  no error; one stops here and names file, row, model and lesion
"""

from pathlib import Path

from radprompt.core.stage import run
from radprompt.gates.expected import expected_rows
from radprompt.gates.predictions import learnt_suite, prediction_suites, read_files
from radprompt.gates.results import conclude
from radprompt.study.settings import load_settings
from radprompt.tables.left_out import is_left_out


def main(name: str) -> None:
    """Check one setting's predictions."""
    setting = load_settings()[name]
    table = read_files(Path("data/predictions", name).glob("*.csv"))
    expected = expected_rows(setting)
    suites, models = prediction_suites(setting, table, expected), Path("models/language_model", name)
    if not is_left_out(models):
        suites.append(learnt_suite(setting, models, expected))
    print(conclude(f"predictions/{name}", suites))


if __name__ == "__main__":
    run(main, "setting")

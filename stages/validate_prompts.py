"""Check every setting's prompts before the language model reads them.

    python stages/validate_prompts.py

Reads   settings.yaml; params.yaml (prompt); data/prompts/; models/backbone/ (its tokenizer); data/cohorts/ and
        models/selection/, for what the prompts should say
Writes  metrics/validation/prompts.json (a count for each suite), data/validation/prompts/ (Great Expectations' results)
Takes   mostly the import of Great Expectations; grows with prompts and settings
Expect  no error; one stops here and names lines and lesions
"""

from pathlib import Path

from radprompt.core.params import load_params
from radprompt.core.stage import run
from radprompt.gates.expected import expected_rows
from radprompt.gates.prompts import prompt_suite, read_lines, token_counter
from radprompt.gates.results import conclude
from radprompt.selection.record import Selection
from radprompt.study.settings import load_settings


def main() -> None:
    """Check all settings' prompts."""
    params, suites = load_params(), []
    count_tokens, limit = token_counter(Path("models/backbone"))
    for name, setting in load_settings().items():
        table, expected = read_lines(f"data/prompts/{name}.jsonl"), expected_rows(setting)
        selections = {int(r): Selection.load(setting.selection_file(int(r))) for r in expected["repeat"].unique()}
        suites.append(prompt_suite(name, table, expected, selections, count_tokens, limit, params.prompt))
    print(conclude("prompts", suites))


if __name__ == "__main__":
    run(main)

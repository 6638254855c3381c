"""Check every setting's prompts before the language model reads them.

    python stages/validate_prompts.py

Reads   params.yaml (prompt); data/prompts/*.jsonl; models/backbone/ (its tokenizer); data/lesions/,
        data/features/, data/halves/ and each setting's selections, for what its prompts should say
Writes  metrics/validation/prompts.json (a count for each suite), data/validation/prompts/ (Great Expectations' results)
Takes   8 s on the demo, all settings together
Expect  no error; one stops here and names lines and lesions
"""

from pathlib import Path

from radprompt.core.params import load_params
from radprompt.core.stage import run
from radprompt.gates.cohorts import expected_rows
from radprompt.gates.prompts import prompt_suite, read_lines, token_counter
from radprompt.gates.results import conclude
from radprompt.selection.record import Selection
from radprompt.study.settings import SETTINGS


def main() -> None:
    """Check all settings' prompts."""
    params, suites = load_params(), []
    count_tokens, limit = token_counter(Path("models/backbone"))
    for name, setting in SETTINGS.items():
        table, expected = read_lines(f"data/prompts/{name}.jsonl"), expected_rows(setting)
        selected = {
            int(repeat): len(Selection.load(setting.selection_file(int(repeat))).features)
            for repeat in expected["repeat"].unique()
        }
        suites.append(prompt_suite(name, table, expected, selected, count_tokens, limit, params.prompt))
    print(conclude("prompts", suites))


if __name__ == "__main__":
    run(main)

"""Check a setting's prompts before the language model reads them.

    python stages/validate_prompts.py vindr

Reads   params.yaml (prompt); data/prompts/<setting>.jsonl; models/backbone/ (its tokenizer); data/lesions/,
        data/features/, data/halves/ and the setting's selections, for what each prompt should say
Writes  metrics/validation/prompts/<setting>.json (a count for each suite), data/validation/prompts/<setting>/ (Great
        Expectations' results)
Takes   6 s on the demo
Expect  no error; one stops here and names lines and lesions
"""

from pathlib import Path

from radprompt.params import load_params
from radprompt.selection.record import Selection
from radprompt.settings import find
from radprompt.stage import run
from radprompt.validation.cohorts import expected_rows
from radprompt.validation.prompts import prompt_suite, read_lines, token_counter
from radprompt.validation.results import conclude


def main(name: str) -> None:
    """Check one setting's prompts."""
    params, setting = load_params(), find(name)
    table, expected = read_lines(f"data/prompts/{name}.jsonl"), expected_rows(setting)
    selected = {
        int(repeat): len(Selection.load(setting.selection_file(int(repeat))).features)
        for repeat in expected["repeat"].unique()
    }
    count_tokens, limit = token_counter(Path("models/backbone"))
    suite = prompt_suite(name, table, expected, selected, count_tokens, limit, params.prompt)
    print(conclude(f"prompts/{name}", [suite]))


if __name__ == "__main__":
    run(main, "setting")

"""Put the results of all checks together: one file of counts, and pages that show every expectation.

    python stages/validation.py

Reads   data/validation/ (Great Expectations' results of the stages validate_*)
Writes  metrics/validation.json (counts for each suite, and in all), metrics/validation_unmet.csv (expectations that are
        not met, without ids or values of rows), reports/validation/ (index.html and a page a suite, which open from
        disk and load nothing)
Takes   mostly the import of Great Expectations; grows with suites
Expect  0 errors: with one, the pipeline would have stopped before
"""

from pathlib import Path

from radprompt.core.outputs import atomic_folder, write_csv, write_json
from radprompt.core.stage import run
from radprompt.gates.data_docs import merged, read_results, unmet_expectations, write_pages
from radprompt.gates.results import DETAILS

PAGES = Path("reports/validation")


def main() -> None:
    """Write counts and pages."""
    found = read_results(DETAILS)
    totals = merged(found)
    with atomic_folder(PAGES) as folder:
        pages = write_pages(found, folder)
    write_json("metrics/validation.json", totals)
    write_csv("metrics/validation_unmet.csv", unmet_expectations(found))
    total = totals["total"]
    print(
        f"validation: {total['met']} of {total['expectations']} expectations met, {total['errors']} errors, "
        f"{total['warnings']} warnings; {PAGES}/index.html and {len(pages)} pages"
    )


if __name__ == "__main__":
    run(main)

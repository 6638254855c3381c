"""Make the page of a user's table from what the other stages left.

Reads   params.yaml, settings.yaml, data/columns.json, metrics/, models/selection/, plots/
Writes  reports/index.html, self-contained: it opens from disk and loads nothing
Takes   little more than the time to start
Expect  the first sentence says how good, against what and how sure
"""

from pathlib import Path

from radprompt.core.outputs import write_text
from radprompt.core.stage import run
from radprompt.core.table_params import load_table_params
from radprompt.own_table.report import build

PAGE = Path("reports/index.html")


def main() -> None:
    """Write the page."""
    write_text(PAGE, build(".", load_table_params()))
    print(f"{PAGE}: {PAGE.stat().st_size / 1024:,.0f} KiB; open it in a browser")


if __name__ == "__main__":
    run(main)

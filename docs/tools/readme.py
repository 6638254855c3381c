"""Put the tables of results and stage times, and the paragraph on names, into README.md again, after a run.

    python docs/tools/readme.py

What stands between ``<!-- table: name -->`` and ``<!-- end -->`` becomes that table of ``docs/tools/metric_tables.py``,
and between ``<!-- text: names -->`` and ``<!-- end -->`` the paragraph of ``docs/tools/names_worth.py``, made from
metrics/ and docs/stage_times.csv; ``<!-- text: evidence -->`` takes the three lines of docs/evidence.md. A test
compares README.md with them.
"""

import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import metric_tables
import names_worth

from radprompt.core.outputs import write_text

ROOT = Path(__file__).parents[2]
_PLACE = re.compile(r"^<!-- (table|text): (\S+) -->\n.*?^<!-- end -->$", re.MULTILINE | re.DOTALL)


def three_lines(_: Path) -> str:
    """Return what docs/evidence.md says in three lines."""
    page = (ROOT / "docs/evidence.md").read_text(encoding="utf-8")
    return page.split("## In three lines\n\n")[1].split("\n\n")[0]


TEXTS = {"names": names_worth.names_worth, "evidence": three_lines}
"""By the name that a page asks for; each gets the folder metrics/."""


def written(text: str, metrics: Path) -> str:
    """Return a page with its tables and paragraphs made again."""
    makers = {"table": metric_tables.TABLES, "text": TEXTS}

    def made(match: re.Match[str]) -> str:
        kind, name = match[1], match[2]
        return f"<!-- {kind}: {name} -->\n{makers[kind][name](metrics)}\n<!-- end -->"

    return _PLACE.sub(made, text)


def main() -> None:
    """Rewrite README.md."""
    page = ROOT / "README.md"
    write_text(page, written(page.read_text(encoding="utf-8"), ROOT / "metrics"))


if __name__ == "__main__":
    main()

"""Put the tables of results and stage times into README.md again, after a run that changed them.

    python docs/tools/readme.py

What stands between ``<!-- table: name -->`` and ``<!-- end -->`` becomes that table of ``docs/tools/metric_tables.py``,
made from metrics/ and docs/stage_times.csv. A test compares README.md with them.
"""

import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import metric_tables

from radprompt.core.outputs import write_text

ROOT = Path(__file__).parents[2]
_TABLE = re.compile(r"^<!-- table: (\S+) -->\n.*?^<!-- end -->$", re.MULTILINE | re.DOTALL)


def written(text: str, metrics: Path) -> str:
    """Return a page with its tables made anew."""

    def table(match: re.Match[str]) -> str:
        return f"<!-- table: {match[1]} -->\n{metric_tables.TABLES[match[1]](metrics)}\n<!-- end -->"

    return _TABLE.sub(table, text)


def main() -> None:
    """Rewrite README.md."""
    page = ROOT / "README.md"
    write_text(page, written(page.read_text(encoding="utf-8"), ROOT / "metrics"))


if __name__ == "__main__":
    main()

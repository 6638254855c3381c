"""The section on validation: what was expected of the data, and what of it was not met."""

from typing import Any

import pandas as pd

from radprompt.pages.report.reader import Reader
from radprompt.pages.wording import count


def validation(reader: Reader) -> dict[str, Any] | None:
    """Lay ``metrics/validation.json`` and ``metrics/validation_unmet.csv`` out; None before the stage ran.

    Returns
    -------
    dict
        ``suites`` (each with ``name``, ``rows``, ``expectations``, ``met``, ``errors``, ``warnings``; those with errors
        first, then those with warnings), their ``total``, and ``unmet``: ``suite``, ``severity`` and ``what`` of each
        expectation that is not met, errors first.
    """
    content = reader.json("metrics/validation.json")
    if content is None:
        return None
    unmet = reader.table("metrics/validation_unmet.csv", ("suite", "severity", "expectation", "rows"))
    suites = [{"name": name, **counts} for name, counts in content.items() if name != "total"]
    return {
        "suites": sorted(suites, key=lambda suite: (-suite["errors"], -suite["warnings"])),
        "total": content["total"],
        "unmet": [] if unmet is None else [_unmet(row) for row in unmet.to_dict("records")],
    }


def _unmet(row: dict[Any, Any]) -> dict[str, str]:
    rows = "" if pd.isna(row["rows"]) else f": fails in {count(int(row['rows']), 'row')}"
    return {"suite": row["suite"], "severity": row["severity"], "what": f"{row['expectation']}{rows}"}

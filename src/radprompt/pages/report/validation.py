"""The section on validation: what was expected of the data, and what of it was not met."""

from typing import Any

from radprompt.pages.report.reader import Reader


def validation(reader: Reader) -> dict[str, Any] | None:
    """Lay out ``metrics/validation.json``; None before the stage ran.

    Returns
    -------
    dict
        ``suites`` (each with ``name``, ``rows``, ``expectations``, ``met``, ``errors``, ``warnings``), and their
        ``total``.
    """
    content = reader.json("metrics/validation.json")
    if content is None:
        return None
    return {
        "suites": [{"name": name, **counts} for name, counts in content.items() if name != "total"],
        "total": content["total"],
    }

"""The CLEAR and METRICS checklists, answered from artefacts, each answer with the files that bear it out."""

from collections import Counter
from collections.abc import Mapping, Sequence
from importlib.resources import files
from itertools import groupby
from operator import itemgetter
from string import Formatter
from typing import Any

from ruamel.yaml import YAML

from radprompt.core.errors import InputError
from radprompt.pages.report.reader import Reader

STATUSES = {"yes": "answered", "partly": "partly", "no": "not done", "n/a": "not applicable"}
CHECKLISTS = ("clear", "metrics")
OUTPUTS = ("data/", "models/", "metrics/", "plots/")
"""Folders that stages write; what of them is not there yet is said to be missing."""


def load_checklist(name: str) -> dict[str, Any]:
    """Return a checklist's data file: ``title``, ``source``, ``note`` and ``items``.

    An item has ``number`` and ``topic`` as published (topic in our words), ``section``, ``status`` (a key of
    :data:`STATUSES`), ``answer`` (both with ``{fact}`` places) and ``files``: paths in the repository, or ``#section``
    of the page; ``{data_set}`` stands for each data set, ``{measured}`` for each that the classifier learns from or is
    tested on. ``real`` holds what differs when the data are not synthetic.
    """
    text = files("radprompt.mammograms.checklists").joinpath(f"{name}.yaml").read_text(encoding="utf-8")
    return YAML(typ="safe").load(text)


def answer(
    checklist: dict[str, Any],
    facts: dict[str, str],
    reader: Reader,
    *,
    synthetic: bool,
    here: Mapping[str, str],
    elsewhere: Mapping[str, str],
    names: Mapping[str, Sequence[str]],
) -> dict[str, Any]:
    """Fill a checklist in.

    Parameters
    ----------
    checklist
        From :func:`load_checklist`.
    facts
        What the answers' places stand for.
    reader
        Tells which files are there.
    synthetic
        Whether the data are the phantom's.
    here, elsewhere
        Sections of the checklist's page and of the results page, anchor and title. Those of the results page are named
        only: a page that is passed on alone cannot link there.
    names
        What ``{data_set}`` and ``{measured}`` in files stand for.

    Returns
    -------
    dict
        ``title``, ``source``, ``note``, ``total``, ``counts`` by status, and ``sections``: title and items, filled in
        (``files`` are text and anchor on this page, empty for a file and for a section elsewhere). An item all of whose
        artefacts are absent is not done in this run.

    Raises
    ------
    InputError
        An answer has a place that no fact fills.
    """
    items = []
    for item in checklist["items"]:
        filled = item if synthetic else item | item.get("real", {})
        places = {place for _, place, _, _ in Formatter().parse(filled["answer"]) if place is not None}
        if unknown := sorted(places - facts.keys()):
            raise InputError(
                f"no fact fills {{{unknown[0]}}}",
                where=f"{checklist['title']}, item {item['number']}",
                fix=f"use one of {', '.join(sorted(facts))}",
            )
        status = filled["status"].format_map(facts)
        paths = list(dict.fromkeys(path for given in filled["files"] for path in _each(given, names)))
        artefacts = [path for path in paths if path.startswith(OUTPUTS)]
        absent = {path for path in artefacts if not reader.exists(path)}
        if artefacts and len(absent) == len(artefacts) and status in ("yes", "partly"):
            status = "no"
        items.append(
            {
                **{key: filled[key] for key in ("number", "section", "topic")},
                "status": status,
                "label": STATUSES[status],
                "answer": filled["answer"].format_map(facts),
                "files": [_place(path, here, elsewhere, absent=path in absent) for path in paths],
            }
        )
    counts = Counter(item["status"] for item in items)
    return {
        **{key: checklist[key] for key in ("title", "source", "note")},
        "total": len(items),
        "counts": [(label, counts[key]) for key, label in STATUSES.items()],
        "sections": [(title, list(own)) for title, own in groupby(items, key=itemgetter("section"))],
    }


def _each(path: str, names: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the path with each name that one of its places stands for; itself where it has none."""
    place = next((place for place in names if f"{{{place}}}" in path), None)
    return [path] if place is None else [path.replace(f"{{{place}}}", name) for name in names[place]]


def _place(path: str, here: Mapping[str, str], elsewhere: Mapping[str, str], *, absent: bool) -> tuple[str, str]:
    anchor = path.removeprefix("#")
    if anchor == path:
        return f"{path} (not there yet)" if absent else path, ""
    return (f"results page: {elsewhere[anchor]}", "") if anchor in elsewhere else (f"this page: {here[anchor]}", path)

"""What is wrong in ``params.yaml``, in a user's words."""

from dataclasses import fields
from difflib import get_close_matches
from typing import Any


def explain(problem: Any, whole: Any) -> str:
    """Return one line on a problem that pydantic found in the dataclass ``whole``: key, fault, nearest known key."""
    # Steps through a union carry pydantic's tag of the member that was tried: keep the steps that are keys of the file.
    known = _keys(whole)
    steps = [str(step) for step in problem["loc"]]
    unexpected = problem["type"] == "unexpected_keyword_argument"
    path = [s for i, s in enumerate(steps) if s in known or s.isdigit() or (unexpected and i == len(steps) - 1)]
    key = ".".join(path) or "(the whole file)"
    if unexpected:
        near = get_close_matches(path[-1], sorted(known), n=1)
        return f"unknown key {key!r}" + (f"; did you mean {near[0]!r}?" if near else "")
    if problem["type"] in ("missing", "missing_argument"):
        return f"key {key!r} is missing"
    return f"{key}: {problem['msg']}; found {problem['input']!r} ({type(problem['input']).__name__})"


def _keys(section: Any) -> set[str]:
    inner = [_keys(field.type) for field in fields(section) if hasattr(field.type, "__dataclass_fields__")]
    return {field.name for field in fields(section)}.union(*inner)

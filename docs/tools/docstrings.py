"""Griffe extension: what our docstrings say, in the form that the site's parser understands.

Cross-references, :func:`name`, become links where the site has the object. Parameters that are described together,
``a, b, c`` or ``a, b, c : int; int; str, default=1, 2, "x"``, become entries of their own: else all would be shown with
the type and default of the first.
"""

import re
from typing import Any

from griffe import Extension, Object

_ROLE = re.compile(r":(?:class|func|meth|mod|data|attr|exc):`(~?)([\w.]+)`")
_SECTION = re.compile(r"^(?:Parameters|Attributes)\n-+$", re.MULTILINE)
_NEXT = re.compile(r"^\w[\w ]*\n-{3,}$", re.MULTILINE)
_TOGETHER = re.compile(
    r"^(\w+(?:, \w+)+)(?: : (.*?)(?:, default=(.*))?)?$\n((?:(?:[ \t]+.*)?(?:\n|\Z))+)", re.MULTILINE
)


class OurDocstrings(Extension):
    """Rewrite every docstring before it is parsed."""

    def on_object(self, *, obj: Object, **_: Any) -> None:
        """Rewrite one object's docstring."""
        if obj.docstring:
            value = _ROLE.sub(lambda found: _link(found[1], found[2], obj), obj.docstring.value)
            obj.docstring.value = apart(value)


def apart(text: str) -> str:
    """Return a docstring with an entry for each parameter; the later ones of a group refer to the first."""
    section = _SECTION.search(text)
    if not section:
        return text
    start = section.end()
    following = _NEXT.search(text, start + 1)
    end = following.start() if following else len(text)
    return text[:start] + _TOGETHER.sub(_entries, text[start:end]) + text[end:]


def _entries(found: re.Match[str]) -> str:
    names, types, defaults, description = found[1].split(", "), found[2] or "", found[3] or "", found[4]
    own_types, own_defaults = types.split("; "), defaults.split(", ")
    heads = []
    for place, name in enumerate(names):
        kind = own_types[place] if len(own_types) == len(names) else types
        default = f", default={own_defaults[place]}" if len(own_defaults) == len(names) else ""
        heads.append(f"{name} : {kind}{default}" if kind else name)
    rest = "".join(f"{head}\n    See ``{names[0]}``.\n" for head in heads[1:])
    return f"{heads[0]}\n{description.rstrip()}\n{rest}" + ("\n" if description.endswith("\n\n") else "")


def _link(short: str, name: str, obj: Object) -> str:
    target = name
    if not name.startswith("radprompt"):
        try:
            target = obj.resolve(name)
        except Exception:  # griffe has an error for each way of not finding a name
            target = name
    shown = name.rsplit(".", 1)[-1] if short else name
    return f'<autoref identifier="{target}" optional><code>{shown}</code></autoref>'

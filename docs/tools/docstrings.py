"""Griffe extension: cross-references of our docstrings, :func:`name`, become links where the site has the object."""

import re
from typing import Any

from griffe import Extension, Object

_ROLE = re.compile(r":(?:class|func|meth|mod|data|attr|exc):`(~?)([\w.]+)`")


class CrossReferences(Extension):
    """Rewrite roles in every docstring before it is parsed."""

    def on_object(self, *, obj: Object, **_: Any) -> None:
        """Replace the roles of one object's docstring."""
        if obj.docstring:
            obj.docstring.value = _ROLE.sub(lambda found: _link(found[1], found[2], obj), obj.docstring.value)


def _link(short: str, name: str, obj: Object) -> str:
    target = name
    if "." not in name or not name.startswith("radprompt"):
        try:
            target = obj.resolve(name)
        except Exception:  # griffe has an error for each way of not finding a name
            target = name
    shown = name.rsplit(".", 1)[-1] if short else name
    return f'<autoref identifier="{target}" optional><code>{shown}</code></autoref>'

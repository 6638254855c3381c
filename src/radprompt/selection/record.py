"""The record of a selection: which features, in which order, chosen how and on which lesions."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from radprompt.core.errors import InputError
from radprompt.core.outputs import write_json


@dataclass(frozen=True)
class Selection:
    """Selected features, the best first: table columns ``features`` and the ``names`` that a prompt prints.

    ``method`` is ``features.selection`` of params.yaml; ``scheme`` and ``bins`` are mRMR's. ``fitted_on`` holds the ids
    of the training lesions.
    """

    features: tuple[str, ...]
    names: tuple[str, ...]
    method: str
    scheme: str
    bins: int
    fitted_on: tuple[str, ...]

    def save(self, path: str | Path) -> None:
        """Write the selection as JSON."""
        write_json(path, asdict(self))

    @classmethod
    def load(cls, path: str | Path) -> "Selection":
        """Read what :meth:`save` wrote; anything else is an :class:`InputError`."""
        path = Path(path)
        try:
            content: Any = json.loads(path.read_text(encoding="utf-8"))
            content.update({key: tuple(content[key]) for key in ("features", "names", "fitted_on")})
            selection = cls(**content)
        except FileNotFoundError:
            raise InputError("no such selection", where=str(path), fix="run `dvc repro`, or `dvc pull`") from None
        except (ValueError, TypeError, AttributeError, KeyError) as error:
            raise InputError(f"not a selection: {error}", where=str(path), fix="run `dvc repro` again") from None
        if len(selection.features) != len(selection.names):
            raise InputError("features and names differ in length", where=str(path), fix="run `dvc repro` again")
        return selection

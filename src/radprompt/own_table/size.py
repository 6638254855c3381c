"""Which feature is the lesion's size, for a model with it alone."""

import re
from collections.abc import Sequence

from radprompt.core.errors import InputError
from radprompt.own_table.columns import Column
from radprompt.own_table.encoding import feature_name

_PATTERNS = (
    r"maximum (?:3d )?diameter",
    r"(?:mesh |voxel )?volume",
    r"(?:major|maximum) axis length",
    r"(?:maximum |largest )?diameter(?: .*)?",
    r"pixel surface|area|(?:tumou?r|lesion|mass) (?:size|volume|diameter|area)",
)


def size_feature(columns: Sequence[Column], asked: str | None) -> str | None:
    """Return the feature that stands for size: the column asked for, else one that is called so; None without any.

    Raises
    ------
    InputError
        The column asked for is not a feature of numbers.
    """
    numbers = {column.source: column for column in columns if column.kind == "number"}
    if asked is not None:
        if asked not in numbers:
            fix = f"name one of: {', '.join(list(numbers)[:20])}"
            raise InputError(f"{asked!r} is not a feature of numbers", where="table.size", fix=fix)
        return feature_name(numbers[asked])
    for pattern in _PATTERNS:
        for column in numbers.values():
            if re.fullmatch(pattern, column.name.replace("_", " ").casefold()):
                return feature_name(column)
    return None

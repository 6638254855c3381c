"""BI-RADS categories as the data sets write them, and the class that the paper makes of them."""

import re

from radprompt.tables.lesions import BENIGN, MALIGNANT

_CATEGORY = re.compile(r"(?:bi-?rads)?\s*([0-6])(?:\.0+)?\s*([abc])?", re.IGNORECASE)


def category(text: str) -> str:
    """Return ``BI-RADS 4``, ``4A`` or ``4`` as ``4``, ``4a``, ``4``; '' for what is no category.

    A spreadsheet's ``4.0`` is ``4``.
    """
    match = _CATEGORY.fullmatch(text.strip())
    return match[1] + (match[2] or "").lower() if match else ""


def label(birads: str) -> int | None:
    """Return benign for category 3, malignant for 4 to 6 (4a to 4c too), None for the others (paper, Data)."""
    if birads[:1] == "3":
        return BENIGN
    return MALIGNANT if birads[:1] in ("4", "5", "6") else None

"""Memory of NVIDIA's cards by their data sheets, and the card in this machine."""

import re
from dataclasses import dataclass

GB = 1e9


@dataclass(frozen=True)
class Gpu:
    """A graphics card.

    Parameters
    ----------
    name
        As the driver calls it.
    memory_gb, free_gb
        All of its memory, and what nothing uses, GB (1e9 bytes).
    bf16
        Whether the card multiplies bfloat16.
    """

    name: str
    memory_gb: float
    free_gb: float
    bf16: bool = True


# Name as in the driver's; memory, GiB. The first name that is found in the driver's counts.
_CARDS = (
    ("H200", 141),
    ("H100 PCIe", 80),
    ("H100 NVL", 94),
    ("H100", 80),
    ("A100-SXM4-40GB", 40),
    ("A100-PCIE-40GB", 40),
    ("A100", 80),
    ("L40S", 48),
    ("L40", 48),
    ("RTX 6000 Ada", 48),
    ("RTX A6000", 48),
    ("RTX A5000", 24),
    ("A40", 48),
    ("A30", 24),
    ("A10", 24),
    ("L4", 24),
    ("RTX 5090", 32),
    ("RTX 4090", 24),
    ("RTX 3090", 24),
    ("V100", 32),
    ("T4", 16),
)
_WITHOUT_BF16 = ("V100", "T4")


def names() -> list[str]:
    """Return the cards of the table."""
    return [name for name, _ in _CARDS]


def by_name(name: str) -> Gpu | None:
    """Look a card up by a name contained in ``name``, all its memory free; None if unknown."""
    words = f" {_plain(name)} "
    for known, gib in _CARDS:
        if f" {_plain(known)} " in words:
            memory = gib * 2**30 / GB
            return Gpu(known, memory, memory, known not in _WITHOUT_BF16)
    return None


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", " ", name.lower()).strip()

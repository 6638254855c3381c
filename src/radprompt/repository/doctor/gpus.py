"""What the data sheets say of NVIDIA's cards, and what the card in this machine is."""

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
    tflops
        Dense matrix products a second in bfloat16 with float32 sums, 1e12; in float32 where the card has no bfloat16.
    bf16
        Whether the card multiplies bfloat16.
    known
        Whether ``tflops`` is from a data sheet. Otherwise it is :data:`UNKNOWN_TFLOPS`.
    """

    name: str
    memory_gb: float
    free_gb: float
    tflops: float
    bf16: bool = True
    known: bool = True


UNKNOWN_TFLOPS = 70.0
"""For a card that the table does not have: that of an RTX 3090, the slowest with bfloat16 and 24 GB."""

# Name as in the driver's; memory, GiB; dense bfloat16 TFLOP/s. The first name that is found in the driver's counts.
_CARDS = (
    ("H200", 141, 989.0),
    ("H100 PCIe", 80, 756.0),
    ("H100 NVL", 94, 835.0),
    ("H100", 80, 989.0),
    ("A100-SXM4-40GB", 40, 312.0),
    ("A100-PCIE-40GB", 40, 312.0),
    ("A100", 80, 312.0),
    ("L40S", 48, 362.0),
    ("L40", 48, 181.0),
    ("RTX 6000 Ada", 48, 364.0),
    ("RTX A6000", 48, 155.0),
    ("RTX A5000", 24, 111.0),
    ("A40", 48, 150.0),
    ("A30", 24, 165.0),
    ("A10", 24, 125.0),
    ("L4", 24, 121.0),
    ("RTX 5090", 32, 209.0),
    ("RTX 4090", 24, 165.0),
    ("RTX 3090", 24, 71.0),
    ("V100", 32, 15.7),
    ("T4", 16, 8.1),
)
_WITHOUT_BF16 = ("V100", "T4")


def names() -> list[str]:
    """Return the cards of the table."""
    return [name for name, _, _ in _CARDS]


def by_name(name: str) -> Gpu | None:
    """Return the card whose name of the table occurs in ``name``, all its memory free; None for one it has not."""
    words = f" {_plain(name)} "
    for known, gib, tflops in _CARDS:
        if f" {_plain(known)} " in words:
            memory = gib * 2**30 / GB
            return Gpu(known, memory, memory, tflops, known not in _WITHOUT_BF16)
    return None


def describe(name: str, memory: int, free: int, *, bf16: bool) -> Gpu:
    """Return the card that the driver calls ``name``, with its memory, bytes."""
    known = by_name(name)
    return Gpu(name, memory / GB, free / GB, known.tflops if known else UNKNOWN_TFLOPS, bf16, known is not None)


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", " ", name.lower()).strip()

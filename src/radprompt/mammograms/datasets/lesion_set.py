"""What every loader returns, and how its rows are counted."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from radprompt.tables.lesions import Exclusion, Lesion

NO_MASS = "no mass"
"""Kind of exclusion for rows that describe something else than a mass: counted before the line ``mass`` of the flow."""

NO_ANNOTATION = "annotation missing"
"""Kind of exclusion for images that should hold a finding and have no annotation: also before the line ``mass``."""


@dataclass(frozen=True)
class LesionSet:
    """A data set after loading.

    Attributes
    ----------
    lesions
        The masses that can be used, sorted by id.
    exclusions
        Every other row, with its reason: ``kind`` or ``kind: detail``.
    flow
        Counts in the order of the steps; ``rows`` less all ``excluded: <kind>`` is ``lesions``.
    masks
        Ids of the lesions whose reference mask was written; empty where the data set has none.
    """

    lesions: list[Lesion]
    exclusions: list[Exclusion]
    flow: dict[str, int]
    masks: list[str]

    @classmethod
    def of(cls, outcomes: Iterable[Lesion | Exclusion]) -> "LesionSet":
        """Sort what became of each row and count it."""
        outcomes = list(outcomes)
        usable = sorted((x for x in outcomes if isinstance(x, Lesion)), key=lambda lesion: lesion.lesion_id)
        dropped = sorted(
            (x for x in outcomes if isinstance(x, Exclusion)), key=lambda each: (each.source, each.row, each.record)
        )
        return cls(usable, dropped, count(usable, dropped), [lesion.lesion_id for lesion in usable if lesion.mask_path])

    def counts_with_reasons(self) -> str:
        """Return the flow, a step a line, each kind of exclusion with the first record that it befell."""
        first: dict[str, str] = {}
        for exclusion in self.exclusions:
            kind, _, detail = exclusion.reason.partition(": ")
            place = f"{exclusion.source}, row {exclusion.row}"
            first.setdefault(f"excluded: {kind}", f"{place}: {detail}" if detail else place)
        return "\n".join(
            f"  {number:6d}  {step}" + (f"; the first: {first[step]}" if step in first else "")
            for step, number in self.flow.items()
        )


def mask_path(dataset: str, lesion_id: str) -> str:
    """Return where the stage keeps a lesion's reference mask, relative to the repository."""
    return f"data/lesions/{dataset}_masks/{lesion_id}.png"


def count(lesions: Sequence[Lesion], exclusions: Sequence[Exclusion]) -> dict[str, int]:
    """Return rows, exclusions by kind (those that are no mass first), masses and lesions, in the order of the steps."""
    kinds = Counter(exclusion.reason.split(": ")[0] for exclusion in exclusions)
    flow = {"rows": len(lesions) + len(exclusions)}
    for kind in (NO_ANNOTATION, NO_MASS):
        if kind in kinds:
            flow[f"excluded: {kind}"] = kinds.pop(kind)
    flow["mass"] = len(lesions) + kinds.total()
    flow |= {f"excluded: {kind}": kinds[kind] for kind in sorted(kinds)}
    flow["lesions"] = len(lesions)
    return flow

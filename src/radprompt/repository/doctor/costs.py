"""What each stage will cost: its measured time, scaled by what this run has more or less of."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from radprompt.repository.doctor.scaling import UNCHANGED, Amount
from radprompt.repository.doctor.stage_times import FILE, StageTimes


@dataclass(frozen=True)
class Cost:
    """A stage's estimated time, the measured memory of its largest process, and what the time grows with."""

    name: str
    seconds: float
    measured_gb: float
    basis: str


@dataclass(frozen=True)
class Costs:
    """The stages whose time can be estimated, those that were never measured, and on what the others were."""

    stages: list[Cost]
    unknown: list[str]
    measured_on: str

    @property
    def seconds(self) -> float:
        """Time of all stages that were measured, one after the other."""
        return sum(stage.seconds for stage in self.stages)

    @property
    def basis(self) -> str:
        """What the times are, in a sentence."""
        if not self.stages:
            return f"No times: {FILE} is not there. `python docs/tools/stage_times.py` makes it after a `dvc repro`."
        text = f"Times as on the machine that measured them, scaled by rows, epochs and tokens: {self.measured_on}."
        return f"{text} Without a measured time: {', '.join(self.unknown)}." if self.unknown else text


def scaled(stages: Iterable[str], times: StageTimes | None, amounts: Mapping[str, Amount]) -> Costs:
    """Scale the measured times to the amounts of this run.

    Parameters
    ----------
    stages
        The pipeline's stages, in its order.
    times
        What was measured; None if nothing was.
    amounts
        Amounts of this run (:func:`radprompt.repository.doctor.scaling.amounts`); a stage without one keeps its time,
        and one of amount 0, such as a learning curve without a second site, is left out.
    """
    if times is None:
        return Costs([], list(stages), "")
    costs, unknown = [], []
    for name in stages:
        row, amount = times.rows.get(name), amounts.get(name, UNCHANGED)
        if amount.value == 0:
            continue
        if row is None or amount.value is None or amount.of != row.grows_with:
            unknown.append(name)
            continue
        costs.append(Cost(name, row.seconds * amount.value / row.amount, row.peak_gb, amount.of))
    return Costs(costs, unknown, times.machine)

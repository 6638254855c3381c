"""Training curves by DVCLive, for ``dvc plots``."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from radprompt.core.outputs import atomic_folder


@contextmanager
def live_curves(folder: str | Path) -> Iterator[Callable[[dict[str, float]], None]]:
    """Yield what adds an epoch to the curves; they take their place in ``folder`` when training has ended."""
    from dvclive import Live

    with atomic_folder(folder) as part, Live(str(part), save_dvc_exp=False, report=None, dvcyaml=None) as live:

        def add(entry: dict[str, float]) -> None:
            live.step = int(entry["epoch"])
            for metric in sorted(entry.keys() - {"epoch"}):
                live.log_metric(metric, entry[metric])

        yield add

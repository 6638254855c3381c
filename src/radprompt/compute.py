"""Per-lesion work in parallel, in the order given, with a progress bar."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from joblib import Parallel, delayed
from tqdm import tqdm

from radprompt.params import Compute

Item = TypeVar("Item")
Result = TypeVar("Result")


def for_each(
    function: Callable[..., Result],
    items: Sequence[Item],
    compute: Compute,
    label: str,
    unit: str = "lesion",
    **constants: Any,
) -> list[Result]:
    """Return ``[function(item, **constants) for item in items]``, spread over ``compute.workers`` processes."""
    parallel = Parallel(n_jobs=compute.workers, backend=compute.backend, return_as="generator")
    results = parallel(delayed(function)(item, **constants) for item in items)
    return list(tqdm(results, total=len(items), desc=label, unit=unit, mininterval=1.0))

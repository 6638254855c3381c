"""TabICL (Qu et al., ICML 2025), by its own package and from weights that the user has; nothing is downloaded."""

from pathlib import Path
from typing import Any

from radprompt.core.baseline_params import Baselines, TabIcl
from radprompt.core.errors import InputError
from radprompt.core.extras import require_extra

REPOSITORY, FILE = "jingang/TabICL", "tabicl-classifier-v2-20260212.ckpt"
"""Where its authors publish the weights of version 2."""


def require_weights(params: Baselines) -> None:
    """Refuse ``tabicl`` among the models where its package or its weights are missing; other models need nothing.

    Raises
    ------
    InputError
        It says what to install or to fetch.
    """
    if "tabicl" in params.models:
        require_extra("the model tabicl", "rivals", "tabicl")
        find_weights(params.tabicl)


def find_weights(params: TabIcl) -> Path:
    """Return the file of the weights: ``tabicl.weights``, else Hugging Face's cache of this machine.

    Raises
    ------
    InputError
        When there is none.
    """
    from huggingface_hub import try_to_load_from_cache

    where = "baselines.tabicl.weights"
    fetch = f"`hf download {REPOSITORY} {FILE}` puts them into this machine's cache once"
    if params.weights is not None:
        if not Path(params.weights).is_file():
            raise InputError(f"no file {params.weights}", where=where, fix=f"name the file, or null: {fetch}")
        return Path(params.weights)
    found = try_to_load_from_cache(REPOSITORY, FILE)
    if not isinstance(found, str):
        what = "the model tabicl has no weights on this machine, and nothing is downloaded unasked"
        raise InputError(what, where=where, fix=f"{fetch}; or name a file, or leave tabicl out of baselines.models")
    return Path(found)


def build_tabicl(params: TabIcl, seed: int) -> Any:
    """Return TabICL's classifier on the CPU in float32, unfitted, with the package's other defaults.

    Parameters
    ----------
    params
        Weights, and over how many orders of columns and classes its answers are averaged.
    seed
        Random seed of the orders.

    Raises
    ------
    InputError
        When there are no weights.
    """
    path = find_weights(params)
    from tabicl import TabICLClassifier

    return TabICLClassifier(
        n_estimators=params.estimators,
        model_path=path,
        allow_auto_download=False,
        device="cpu",
        use_amp=False,
        use_fa3=False,
        offload_mode=False,
        random_state=seed,
        n_jobs=1,
    )

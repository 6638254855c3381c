"""The pretrained model: whether it is here and whole, and its shape."""

import importlib.util
import json
from pathlib import Path
from typing import Any

from radprompt.core.errors import InputError
from radprompt.core.params import Backbone
from radprompt.llm.backbone import FOUR_BIT
from radprompt.llm.packaged import PACKAGED, PACKAGED_MODEL
from radprompt.repository.doctor.finding import Finding
from radprompt.repository.doctor.shape import LLAMA2_7B, SMOLLM2, Shape

LEAST_BYTES = 0.5
"""On disk, of a weight of a whole model: four bits."""
GATED = "meta-llama/Llama-2-7b-hf"
"""The paper's model on the hub, behind Meta's form."""
OBTAIN = (
    f"ask for access at huggingface.co/{GATED} (Llama 2 Community License), then: hf download {GATED} --local-dir {{}} "
    '--exclude "*.bin" (13.5 GB)'
)


def check_model(backbone: Backbone) -> tuple[Finding, Shape | None]:
    """Return how the model of ``llm.backbone`` stands, and its shape where it is known.

    A model that is absent has the shape of LLaMA2-7B, the paper's, if its name says so; else None.
    """
    if backbone.source == PACKAGED:
        return _packaged(), SMOLLM2
    place = Path(backbone.source)
    if place.is_dir():
        return _folder(place)
    guessed = LLAMA2_7B if "llama-2-7b" in backbone.source.lower() else None
    if backbone.revision is None:
        what = OBTAIN.format(backbone.source) if guessed else "put the model there, or set revision to the hub's commit"
        found = f"no folder {backbone.source}, and a hub id would need llm.backbone.revision"
        return Finding("model", backbone.source, "error", found, what), guessed
    return _hub(backbone.source, backbone.revision, guessed)


def check_quantisation(backbone: Backbone, *, gpu: bool) -> Finding | None:
    """Return how 4-bit weights stand, where they are asked for."""
    if backbone.quantisation != FOUR_BIT:
        return None
    lacking = []
    if importlib.util.find_spec("bitsandbytes") is None:
        lacking.append("bitsandbytes is not installed")
    if not gpu:
        lacking.append("there is no NVIDIA GPU that torch can use, and the CPU is not supported")
    if lacking:
        fix = "uv pip install --no-deps bitsandbytes; or set llm.backbone.quantisation: none"
        return Finding("model", "4-bit weights", "error", "; ".join(lacking), fix)
    return Finding("model", "4-bit weights", "ok", "NF4 by bitsandbytes")


def _packaged() -> Finding:
    package, file = PACKAGED_MODEL
    spec = importlib.util.find_spec(package)  # the package is not imported: that would need llama-cpp
    if spec is None or spec.origin is None or not (Path(spec.origin).parent / file).is_file():
        return Finding("model", PACKAGED, "error", f"the package {package} is not installed", "run `make setup`")
    return Finding("model", PACKAGED, "ok", "SmolLM2-135M-Instruct, out of a Python package")


def _folder(place: Path) -> tuple[Finding, Shape | None]:
    def wrong(found: str, fix: str) -> tuple[Finding, Shape | None]:
        return Finding("model", place.as_posix(), "error", found, fix), shape

    shape, again = None, "download the model again"
    try:
        config = _json(place / "config.json")
    except (OSError, ValueError):
        return wrong("no readable config.json", again)
    shape = Shape.of(config.get("text_config") or config)
    try:
        shards = sorted(set(_json(place / "model.safetensors.index.json")["weight_map"].values()))
    except FileNotFoundError:
        shards = ["model.safetensors"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return wrong("model.safetensors.index.json is damaged", again)
    missing = [name for name in shards if not (place / name).is_file() or (place / name).stat().st_size == 0]
    if missing and list(place.glob("*.bin")):
        return wrong(
            "weights are pickled (*.bin), which can run code", "get those in safetensors, beside them on the hub"
        )
    if missing:
        return wrong(f"{len(missing)} of {len(shards)} weight files missing: {missing[0]}", again)
    if not any((place / name).is_file() for name in ("tokenizer.json", "tokenizer.model")):
        return wrong("no tokenizer.json", "download the tokenizer's files too")
    size = sum((place / name).stat().st_size for name in shards) / 1e9
    if shape is not None and size * 1e9 < LEAST_BYTES * (shape.linear + shape.other):
        few = (
            f"{size:.2g} GB of weights for {(shape.linear + shape.other) / 1e9:.1f} billion: not downloaded to the end"
        )
        return wrong(few, f"{again}; files of 130 bytes are git-lfs pointers")
    try:
        from radprompt.llm.architecture import describe_architecture

        describe_architecture(str(place))
    except InputError as error:
        return wrong(error.what, error.fix)
    told = f"{config.get('model_type', 'model')}, {len(shards)} weight file(s), {size:.1f} GB"
    return Finding("model", place.as_posix(), "ok", told), shape


def _hub(source: str, revision: str, guessed: Shape | None) -> tuple[Finding, Shape | None]:
    from huggingface_hub import try_to_load_from_cache

    config = try_to_load_from_cache(source, "config.json", revision=revision)
    if not isinstance(config, str):
        fix = f"hf download {source} --revision {revision}"
        return Finding("model", source, "error", "not downloaded", fix), guessed
    found, shape = _folder(Path(config).parent)
    return Finding("model", source, found.state, f"in the hub's cache: {found.found}", found.fix), shape


def _json(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))

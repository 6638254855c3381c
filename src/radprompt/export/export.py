"""Packs one trained model into one folder or zip file that works without DVC and without the repository."""

import json
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from radprompt.core.errors import InputError
from radprompt.core.outputs import atomic_folder, atomic_write, write_csv, write_json, write_text
from radprompt.export.card import model_card
from radprompt.export.manifest import KINDS, MANIFEST, digest, write_manifest
from radprompt.export.package import ELSEWHERE, SOURCE
from radprompt.export.record import ADAPTER, BACKBONE, BACKGROUND, CARD, NAMED, RECORD, SCALER, SEGMENTER, SELECTION
from radprompt.export.sources import Sources
from radprompt.llm.backbone import write_backbone
from radprompt.llm.packaged import PACKAGED
from radprompt.llm.saved import EMBEDDINGS, LEARNED, SAID

WEIGHTS = KINDS | {".bin", ".model"}
"""Endings of a licensed backbone's files that are identified by their digest."""
_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The oldest date that a zip file can hold: the same model gives the same bytes."""


class Exported(NamedTuple):
    """What was written: folder or zip file, its bytes, the manifest's SHA-256, and the backbone it only names."""

    path: Path
    size: int
    sha256: str
    licensed: str | None


def export_model(target: Path, setting: str, half: int) -> Exported:
    """Pack the language model of a setting's half, trained from the first seed, with all that it needs.

    Nothing in there is executed by loading: weights are safetensors, the rest is JSON and text. Ids of lesions are left
    out, since a model travels further than they may.

    Parameters
    ----------
    target
        A folder, or a file ending in ``.zip``. An earlier export of that name is replaced, nothing else is.
    setting, half
        Which model; see :mod:`radprompt.study.settings`.

    Raises
    ------
    InputError
        An artefact is absent, stale or does not fit the others, or ``target`` is something else.
    """
    sources = Sources.find(setting, half)
    zipped = target.suffix == ".zip"
    refuse_to_replace(target, zipped=zipped)
    with _room(target, zipped=zipped) as folder:
        licensed = _fill(folder, sources)
        sha256 = write_manifest(folder)
        size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        if zipped:
            with atomic_write(target) as part:
                _zip(folder, part, target.stem)
            size = target.stat().st_size
    return Exported(target, size, sha256, licensed)


@contextmanager
def _room(target: Path, *, zipped: bool) -> Iterator[Path]:
    """Yield the folder to fill: one that takes the target's place, or one that only gets zipped."""
    if zipped:
        with tempfile.TemporaryDirectory(prefix="radprompt-export-") as room:
            yield Path(room)
    else:
        with atomic_folder(target) as part:
            yield part


def _fill(folder: Path, sources: Sources) -> str | None:
    _copy(Path("models/segmenter"), folder / SEGMENTER)
    _rewrite(folder / SEGMENTER / "segmenter.json", train_lesions=[], validation_lesions=[])
    _copy(sources.adapter, folder / ADAPTER, leave=(LEARNED, SAID, EMBEDDINGS))  # they name lesions
    _copy(sources.named, folder / NAMED)
    record = sources.classifier
    # The arithmetic of the evaluated model, wherever it runs.
    parameters = record["parameters"] | {"backbone": f"../{BACKBONE}", "precision": record["computed"]["precision"]}
    _rewrite(folder / ADAPTER / "classifier.json", parameters=parameters)
    replace(sources.scaler, fitted_on=()).save(folder / SCALER)
    replace(sources.selection, fitted_on=()).save(folder / SELECTION)
    sources.record().save(folder / RECORD)
    write_csv(folder / BACKGROUND, sources.background())
    licensed = _backbone(Path("models/backbone"), folder / BACKBONE)
    write_text(folder / CARD, model_card(sources, licensed))
    return licensed


def _copy(source: Path, target: Path, leave: tuple[str, ...] = ()) -> None:
    if not source.is_dir():
        raise InputError("no such folder", where=str(source), fix="run `dvc repro`, or `dvc pull`")
    for path in sorted(source.rglob("*")):
        name = path.relative_to(source)
        if path.is_file() and path.suffix in KINDS and name.as_posix() not in leave:
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target / name)


def _rewrite(path: Path, **changed: Any) -> None:
    write_json(path, json.loads(path.read_text(encoding="utf-8")) | changed)


def _backbone(source: Path, target: Path) -> str | None:
    """Copy a packaged backbone; of a licensed one say what it is, and return that."""
    if not (source / SOURCE).is_file():
        raise InputError("no backbone here", where=str(source), fix="run `dvc repro backbone`, or `dvc pull`")
    record: dict[str, Any] = json.loads((source / SOURCE).read_text(encoding="utf-8"))
    if record["source"] == PACKAGED:
        _copy(source, target)
        return None
    place = _local(record["source"], record["revision"])
    if place and record["revision"] is None:
        _check_unchanged(place, record, source / SOURCE)
    files = sorted(path for path in place.iterdir() if path.is_file() and path.suffix in WEIGHTS) if place else []
    # Of a folder its name: where it lay is a matter of the machine that exported.
    name = record["source"] if record["revision"] else Path(record["source"]).name
    write_json(target / SOURCE, record | {"source": name, ELSEWHERE: {path.name: digest(path) for path in files}})
    return f"{name}, revision {record['revision']}" if record["revision"] else name


def _local(source: str, revision: str | None) -> Path | None:
    """Return the folder that holds a licensed backbone here; None where it is not on this machine."""
    if revision is None:
        if not Path(source).is_dir():
            raise InputError("the backbone is not here", where=source, fix="put it back, or run `dvc repro backbone`")
        return Path(source)
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        return Path(snapshot_download(source, revision=revision, local_files_only=True))
    except LocalEntryNotFoundError:
        return None


def _check_unchanged(place: Path, record: dict[str, Any], recorded: Path) -> None:
    """Refuse a licensed folder whose files are not those that the stage ``backbone`` found there.

    Only an export looks: what it digests, predictions elsewhere are held to. Stages do not, since each would read 13 GB
    (some 15 s at 0.9 GB/s) to learn what is asked once here: weights that changed before a training are refused too.
    """
    with tempfile.TemporaryDirectory(prefix="radprompt-backbone-") as room:
        now = write_backbone(record["source"], None, Path(room))["sha256"]
    if record.get("sha256") != now:
        raise InputError(
            f"its files are not those that `dvc repro` found there: their SHA-256 is {now}, "
            f"{recorded} says {record.get('sha256', 'none')}",
            where=str(place),
            fix="put the folder back as it was; or `dvc repro --force backbone`, then `dvc repro`, which trains on it "
            "as it is now",
        )


def refuse_to_replace(target: Path, *, zipped: bool) -> None:
    """Refuse a target that exists and is no exported model."""
    if not target.exists():
        return
    if zipped:
        ours = zipfile.is_zipfile(target) and any(
            name.count("/") == 1 and name.endswith(f"/{MANIFEST}") for name in zipfile.ZipFile(target).namelist()
        )
    else:
        ours = target.is_dir() and (_empty(target) or ((target / MANIFEST).is_file() and (target / RECORD).is_file()))
    if not ours:
        raise InputError(
            "exists, and is no exported model", where=str(target), fix="name a new folder, or a file ending in .zip"
        )


def _empty(folder: Path) -> bool:
    return next(folder.iterdir(), None) is None


def _zip(folder: Path, target: Path, name: str) -> None:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            entry = zipfile.ZipInfo(f"{name}/{path.relative_to(folder).as_posix()}", _EPOCH)
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            with path.open("rb") as content, archive.open(entry, "w", force_zip64=True) as place:
                shutil.copyfileobj(content, place, 1 << 20)

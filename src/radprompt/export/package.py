"""An exported model on disk, checked and read; torch is not needed for that."""

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from radprompt.core.errors import InputError
from radprompt.core.outputs import write_json
from radprompt.export.manifest import check_manifest, digest
from radprompt.export.record import BACKBONE, BACKGROUND, RECORD, SCALER, SELECTION, Record
from radprompt.selection.record import Selection
from radprompt.study.recipe import Recipe
from radprompt.study.scaling import FeatureScaler

SOURCE = "source.json"
ELSEWHERE = "elsewhere"
"""Key of a backbone's ``source.json``: its weights are not in the exported model. It holds the files' digests by name,
or nothing for a hub model, whose revision fixes them."""


@dataclass(frozen=True)
class Package:
    """An exported model whose files are those that were exported; ``sha256`` is its manifest's."""

    folder: Path
    sha256: str
    record: Record
    scaler: FeatureScaler
    selection: Selection

    @property
    def recipe(self) -> Recipe:
        """How features as measured become the sentence that the model reads."""
        return Recipe(self.record.prompt, self.record.seed, self.selection, self.scaler)

    def background(self) -> pd.DataFrame:
        """Return what the sentences of some training rows say: shares are counted against their mean logit."""
        table = pd.read_csv(self.folder / BACKGROUND)
        if list(table.columns) != list(self.selection.names) or table.empty:
            raise InputError(
                "not values of the selected features", where=str(self.folder / BACKGROUND), fix="export the model again"
            )
        return table

    @classmethod
    def load(cls, folder: Path) -> "Package":
        """Check the folder against its manifest and read what is small; see :func:`check_manifest` for the errors."""
        sha256 = check_manifest(folder)
        return cls(
            folder,
            sha256,
            Record.load(folder / RECORD),
            FeatureScaler.load(folder / SCALER),
            Selection.load(folder / SELECTION),
        )

    @contextmanager
    def backbone(self, given: Path | None) -> Iterator[Path]:
        """Yield a folder that the classifier loads its backbone from.

        Parameters
        ----------
        given
            Where the weights are, for a model that was exported without them.

        Raises
        ------
        InputError
            Weights are given that the model does not need, or missing, or other ones than it was trained on.
        """
        own = self.folder / BACKBONE
        source: dict[str, Any] = json.loads((own / SOURCE).read_text(encoding="utf-8"))
        if ELSEWHERE not in source:
            if given is not None:
                raise InputError("this model carries its backbone", where="--backbone", fix="leave the option out")
            yield own
            return
        if given is None and source["revision"] is None:
            raise InputError(
                f"the backbone {source['source']} is licensed and not in the exported model",
                where=str(own / SOURCE),
                fix="name the folder that holds it: --backbone FOLDER",
            )
        place = dict(source)
        if given is not None:
            _same_files(given, source)
            place |= {"source": str(given.absolute()), "revision": None}
        with tempfile.TemporaryDirectory(prefix="radprompt-backbone-") as room:
            write_json(Path(room) / SOURCE, place)
            yield Path(room)


def _same_files(folder: Path, source: dict[str, Any]) -> None:
    """Refuse a folder that lacks a file of the backbone, or has another one in its place."""
    for name, expected in source[ELSEWHERE].items():
        if not (folder / name).is_file():
            raise InputError(
                f"no such file; the model was trained on {source['source']}, which has it",
                where=str(folder / name),
                fix="name the folder of that backbone: --backbone FOLDER",
            )
        if digest(folder / name) != expected:
            raise InputError(
                f"not the file that the model was trained on ({source['source']}): its SHA-256 differs",
                where=str(folder / name),
                fix="name the folder of that backbone: --backbone FOLDER",
            )

"""The process that holds the model: an exported one, or the final model of a table."""

import shutil
from pathlib import Path

from radprompt.core.errors import InputError
from radprompt.export.manifest import MANIFEST
from radprompt.loopback.worker import Handlers
from radprompt.own_table.answering import TableModel
from radprompt.own_table.applying import FinalModel
from radprompt.serve.exported import ExportedModel

START = "radprompt.serve.answering:start"


def start(model: str, images: str, shares: str, backbone: str | None, device: str) -> Handlers:
    """Load a model and return what its process answers.

    Parameters
    ----------
    model
        What ``radprompt export`` wrote, or a table's study or its ``models/final``.
    images
        Folder of the images that were read; it is removed when the server ends, however it does.
    shares, backbone, device
        Of an exported model; see :func:`radprompt.export.commands.open_predictor`.

    Raises
    ------
    InputError
        The folder holds neither, or a file of it is absent or altered.
    """
    folder = Path(model)
    opened: ExportedModel | TableModel
    if (folder / MANIFEST).is_file():
        opened = ExportedModel(folder, Path(images), shares, None if backbone is None else Path(backbone), device)
    elif FinalModel.folder(folder) is not None:
        opened = TableModel(folder)
    else:
        raise InputError(
            "neither an exported model nor the study of a table",
            where=model,
            fix="name what `radprompt export` wrote, or the folder that `radprompt table` made",
        )
    return {
        "describe": opened.describe,
        "predict": opened.predict,
        "page": opened.page,
        "end": lambda: shutil.rmtree(images, ignore_errors=True),
    }

"""The section on settings: what each model starts from, what is fitted on what, and how patients are halved."""

from typing import Any

from radprompt.core.params import Params
from radprompt.pages.report.cohorts import describe, lesion_table
from radprompt.pages.report.reader import Reader
from radprompt.pages.wording import extent, listing
from radprompt.study.settings import Members, Setting, Settings
from radprompt.tables.cohort import ROLES

_PARTS = {"train": "trains", "val": "chooses epochs and thresholds", "test": "tests"}
_HALVES = {"train": "adapting half, training part", "val": "adapting half, validation part", "test": "other half"}


def protocols(settings: Settings) -> list[dict[str, str]]:
    """Describe every setting.

    Returns
    -------
    list of dict
        ``setting``, ``name``, ``start`` (of models that read names), ``train``, ``val``, ``features``, ``test`` and
        ``paper``, as text.
    """
    return [
        {
            "setting": setting.name,
            "name": setting.title,
            "start": _start(setting),
            "train": _lesions(setting.train, settings) if setting.trains else "nothing more",
            "val": _lesions(setting.val, settings),
            "features": _lesions(settings[setting.selection].train, settings),
            "test": _lesions(setting.test, settings),
            "paper": setting.paper or "not in the paper",
        }
        for setting in settings.values()
    ]


def training_words(setting: Setting, settings: Settings) -> str:
    """Say in a clause what the models of a setting are trained on, and what those that read names start from."""
    start = None if setting.start is None else settings[setting.start]
    if start is None:
        return f"trained on {_lesions(setting.train, settings)}"
    whose = f"{settings.data_set(start.train.dataset)}'s"
    if not setting.trains:
        return f"{whose} models as they are"
    return f"trained on {_lesions(setting.train, settings)}; models that read names continue {whose}"


def halves(reader: Reader, name: str, settings: Settings, params: Params) -> dict[str, Any] | None:
    """Describe the halves of a data set; None before the stage ran.

    Parameters
    ----------
    reader
        Access to the tables of halves and lesions.
    name
        One of ``settings.halved``.
    settings
        Protocols, for titles.
    params
        All of ``params.yaml``.

    Returns
    -------
    dict
        ``dataset``, ``drawn`` (how many halves), ``llm`` and ``baselines`` (how many each runs on), ``first`` (of
        repeat 0, for each role: what it does and :func:`radprompt.pages.report.cohorts.describe`) and ``extents`` (of
        all, role and smallest to largest number of lesions).
    """
    table = reader.table(f"data/halves/{name}.csv", ("repeat", "lesion_id", "patient_id", "split"))
    lesions = lesion_table(reader, name)
    if table is None or lesions is None:
        return None
    sizes = {role: table.loc[table["split"] == role, "repeat"].value_counts() for role in ROLES}
    first = table.loc[table["repeat"] == 0].set_index("lesion_id")["split"]
    known = lesions[lesions["lesion_id"].isin(first.index)]
    described = describe(known.assign(split=known["lesion_id"].map(first)))
    return {
        "dataset": settings.data_set(name),
        "drawn": table["repeat"].nunique(),
        "llm": params.adaptation.repeats.llm,
        "baselines": params.adaptation.repeats.baselines,
        "first": [(_PARTS[row["split"]], row) for row in sorted(described, key=lambda row: ROLES.index(row["split"]))],
        "extents": [(_PARTS[role], f"{extent(own)} lesions") for role, own in sizes.items() if len(own)],
    }


def scaler_words(settings: Settings, params: Params) -> str:
    """Say whose mean and standard deviation make the z-scores of a setting."""
    own = "the setting's own training lesions"
    if params.adaptation.scaler != "own":
        whose = settings.data_set(settings[params.adaptation.scaler].train.dataset)
        return f"{own}; where patients are halved, the training lesions of {whose}"
    unchanged = [setting.title for setting in settings.values() if not setting.trains]
    return own + (f" ({listing(unchanged)}: those that its model was trained on)" if unchanged else "")


def _start(setting: Setting) -> str:
    if setting.start is None:
        return "the pretrained model"
    return f"the model of {setting.start}" + ("" if setting.trains else ", used as it is")


def _lesions(members: Members, settings: Settings) -> str:
    part = _HALVES.get(members.split, members.split) if members.dataset in settings.halved else members.split
    return f"{settings.data_set(members.dataset)}: {part}"

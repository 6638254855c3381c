"""The section on settings: what each model starts from, what is fitted on what, and how patients are halved."""

from typing import Any

from radprompt.core.params import Params
from radprompt.pages.report.cohorts import describe, lesion_table
from radprompt.pages.report.reader import Reader
from radprompt.pages.wording import DATASETS, extent, setting_name
from radprompt.study.settings import HALVED, SETTINGS, Cohort, Setting
from radprompt.tables.cohort import ROLES

_PAPER = {
    "vindr": "Table 1, internal test",
    "inbreast_adapted": "Table 1, external test",
    "inbreast_extended": "Table 2, extended or transferred",
    "inbreast_scratch": "Table 2, from scratch",
}
_PARTS = {"train": "trains", "val": "chooses epochs and thresholds", "test": "tests"}


def protocols() -> list[dict[str, str]]:
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
            "name": setting_name(setting.name),
            "start": _start(setting),
            "train": _cohort(setting.train) if setting.trains else "nothing more",
            "val": _cohort(setting.val),
            "features": _cohort(SETTINGS[setting.selection].train),
            "test": _cohort(setting.test),
            "paper": _PAPER.get(setting.name, "not in the paper"),
        }
        for setting in SETTINGS.values()
    ]


def halves(reader: Reader, params: Params) -> dict[str, Any] | None:
    """Describe the halves of the second site; None before the stage ran.

    Returns
    -------
    dict
        ``dataset``, ``drawn`` (how many halves), ``llm`` and ``baselines`` (how many each runs on), ``first`` (of
        repeat 0, for each role: what it does and :func:`radprompt.pages.report.cohorts.describe`) and ``extents`` (of all,
        role and smallest to largest number of masses).
    """
    table = reader.table(f"data/halves/{HALVED}.csv", ("repeat", "lesion_id", "patient_id", "split"))
    lesions = lesion_table(reader, HALVED)
    if table is None or lesions is None:
        return None
    sizes = {role: table.loc[table["split"] == role, "repeat"].value_counts() for role in ROLES}
    first = table.loc[table["repeat"] == 0].set_index("lesion_id")["split"]
    known = lesions[lesions["lesion_id"].isin(first.index)]
    described = describe(known.assign(split=known["lesion_id"].map(first)))
    return {
        "dataset": DATASETS[HALVED],
        "drawn": table["repeat"].nunique(),
        "llm": params.adaptation.repeats.llm,
        "baselines": params.adaptation.repeats.baselines,
        "first": [(_PARTS[row["split"]], row) for row in sorted(described, key=lambda row: ROLES.index(row["split"]))],
        "extents": [(_PARTS[role], f"{extent(own)} masses") for role, own in sizes.items() if len(own)],
    }


def scaler_words(params: Params) -> str:
    """Say whose mean and standard deviation make the second site's z-scores."""
    if params.adaptation.scaler == "vindr":
        return "VinDr's training masses, at both sites"
    return "the setting's own training masses (not adapted: VinDr's)"


def _start(setting: Setting) -> str:
    if setting.start is None:
        return "the pretrained model"
    return f"the model of {setting.start}" + ("" if setting.trains else ", used as it is")


def _cohort(cohort: Cohort) -> str:
    if cohort.dataset == HALVED:
        part = {"train": "adapting half, training part", "val": "adapting half, validation part", "test": "other half"}
        return f"{DATASETS[HALVED]}: {part[cohort.split]}"
    return f"{DATASETS[cohort.dataset]}: {cohort.split}"

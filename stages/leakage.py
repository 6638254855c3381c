"""Stop where training lesions leak into a test: patients, studies, images and copies, records, the label itself.

    python stages/leakage.py settings     (all of them; or segmenter)

Reads   settings.yaml; params.yaml (validation.leakage); data/validation/hashes.csv; data/cohorts, data/standardised,
        data/prompts, models/scaler and models/selection of each setting (of the segmenter data/lesions)
Writes  data/validation/leakage/{segmenter.csv,settings/<setting>.csv}: how much each check compared and found (0);
        metrics/leakage/ likewise: the same over all halves
Takes   time that grows with lesions, repeats and settings
Expect  nothing found; where a setting draws by lesion, how many test lesions share a patient. A finding ends in exit
        status 1 with rows and files named; all of them are then in .radprompt/validation/leakage/<name>.csv, and
        outputs stay as they were
"""

from pathlib import Path

from radprompt.core.errors import InputError
from radprompt.core.stage import run
from radprompt.core.table_params import load_study_params
from radprompt.gates.leakage import shared_words
from radprompt.gates.leakage_gate import DETAILS, SEGMENTER, SETTINGS, check_segmenter, check_setting, conclude
from radprompt.study.settings import load_settings


def main(name: str) -> None:
    """Check, and write or stop."""
    limits = load_study_params().validation.leakage
    if name not in (SEGMENTER, SETTINGS):
        raise InputError(f"{name!r} is not checked", fix=f"use {SETTINGS} or {SEGMENTER}")
    if name == SEGMENTER:
        checks = {name: check_segmenter(load_settings().data_sets, limits)}
    else:
        checks = {
            each: check_setting(setting, limits, prompted=Path("data/prompts").is_dir())
            for each, setting in load_settings().items()
        }
    for each, table in conclude(checks).items():
        halves = table["repeat"].nunique()
        compared = ", ".join(
            f"{count:,} {check}" for check, count in table.groupby("check", sort=False)["compared"].sum().items()
        )
        words = shared_words(checks[each]) or "no leak"
        print(f"{each}: {words} in {halves} repeat(s); compared {compared}: {DETAILS}/{each}.csv")


if __name__ == "__main__":
    run(main, "name")

"""Stop where training lesions leak into a test: patients, studies, images and copies, records, the label itself.

    python stages/leakage.py settings     (all of them; or segmenter, or a setting)

Reads   params.yaml (validation.leakage); data/lesions, data/validation/hashes.csv; of each setting data/standardised
        and data/prompts, and those of the one whose model goes on learning; its scalers and selections
Writes  data/validation/leakage/<name>.csv: for each check and half how much was compared and was found (0);
        metrics/leakage/<name>.json: the same over all halves
Takes   4 s on the demo
Expect  nothing found. A finding ends in exit status 1 with rows and files named; all of them are then in
        .radprompt/gates/leakage/<name>.csv, and outputs stay as they were
"""

from radprompt.core.params import load_params
from radprompt.core.stage import run
from radprompt.gates.leakage_gate import DETAILS, SEGMENTER, check_segmenter, check_setting, conclude
from radprompt.study.settings import SETTINGS


def main(name: str) -> None:
    """Check, and write or stop."""
    limits = load_params().validation.leakage
    names = SETTINGS if name == "settings" else [name]
    checks = {each: check_segmenter(limits) if each == SEGMENTER else check_setting(each, limits) for each in names}
    for each, table in conclude(checks).items():
        halves = table["repeat"].nunique()
        compared = ", ".join(
            f"{count:,} {check}" for check, count in table.groupby("check", sort=False)["compared"].sum().items()
        )
        print(f"{each}: no leak in {halves} repeat(s); compared {compared}: {DETAILS}/{each}.csv")


if __name__ == "__main__":
    run(main, "name")

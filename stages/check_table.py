"""Check a user's table: what each column and row is, and which cases train, validate and test.

Reads   data/table.csv, data/measured/; params.yaml (seed, table, partition, adaptation); settings.yaml
Writes  data/cases.csv (lesion_id, patient_id, site, split, label), data/features/table.csv (every feature as a number),
        data/cohorts/<setting>.csv, data/columns.json (what each column is, what is left out and why),
        data/repeated.csv (lesion_id and features of cases measured again, if any were), metrics/table.json (counts)
Takes   time that grows with rows and columns
Expect  a table that cannot be used is refused in one message that lists all that is wrong
"""

from pathlib import Path

from radprompt.core.errors import InputError
from radprompt.core.stage import run
from radprompt.core.table_params import load_table_params
from radprompt.own_table.checking import check
from radprompt.own_table.measured import MEASURED, REPEATED, read_measured_again
from radprompt.own_table.partitions import divide
from radprompt.own_table.store import SETTINGS, read_settings_file, write_study

TABLE = Path("data/table.csv")


def main() -> None:
    """Check and write."""
    params, before = load_table_params(), read_settings_file(Path())
    checked = check(TABLE, params.table)
    title = before["data_sets"]["table"]["title"] if before else TABLE.stem
    study = divide(checked.about, checked.sites, params.partition, params.adaptation, params.seed, title)
    if study.settings != before:
        raise InputError(
            "not what the table and params.yaml give: rows, sites, partition or adaptation.curve have changed",
            where=SETTINGS,
            fix=f"take the table in again: radprompt table {TABLE} --label {params.table.label!r} --out .",
        )
    again, found = MEASURED / REPEATED, None
    if again.is_file():
        found = read_measured_again(again, params.table, checked.columns, checked.about["case"])
    write_study(checked, study, found)
    print(f"{len(checked.about)} cases of {len(checked.sites)} site(s), {checked.features.shape[1]} features")
    for note in [*checked.notes, *study.notes]:
        print(note)
    for name, reason in checked.left_out.items():
        print(f"column {name!r} is left out: {reason}")
    for exclusion in checked.exclusions:
        print(f"row {exclusion.row} is left out: {exclusion.reason}")


if __name__ == "__main__":
    run(main)

"""Compare the two sites' raw features: the shift that adaptation answers. It stops nothing.

Reads   settings.yaml (drifts: a setting, whose training lesions are the reference, and another data set); params.yaml
        (validation.drift); data/cohorts, data/features; models/selection, to mark what the prompts name
Writes  metrics/drift.csv, a row for each feature, the largest difference first (src/radprompt/gates/
        drift.py says what the columns are); metrics/drift.json, how many are shifted; plots/drift.svg
Takes   little more than the time to start; grows with lesions and features
Expect  sites that differ in some features of every class; size and grey levels above all where detectors do
"""

from radprompt.core.errors import InputError
from radprompt.core.outputs import write_csv, write_json
from radprompt.core.stage import run
from radprompt.core.table_params import load_study_params
from radprompt.gates.drift import compare_sites, draw_drift, summarise
from radprompt.pages.drawing import write_svg
from radprompt.selection.record import Selection
from radprompt.study.cohort import cohort_of
from radprompt.study.settings import load_settings
from radprompt.tables.features import read_features


def main() -> None:
    """Compare the sites."""
    settings, limits = load_settings(), load_study_params().validation.drift
    if settings.drift is None:
        raise InputError("no drift", where="settings.yaml", fix="name reference and other under drifts")
    setting, other = settings[settings.drift.reference], settings.drift.other
    cohort, seen = cohort_of(setting), setting.train.dataset
    train = cohort[(cohort["repeat"] == 0) & (cohort["split"] == "train")]
    tables = {name: read_features(f"data/features/{name}.csv").set_index("lesion_id") for name in (seen, other)}
    tables[seen] = tables[seen].loc[train["lesion_id"]]
    for dataset, own in tables.items():
        if len(own) < 2:
            what = f"{len(own)} lesion(s) to compare, two at least are needed"
            raise InputError(what, where=f"data/features/{dataset}.csv", fix="see its *_exclusions.csv")
    selected = Selection.load(setting.selection_file(0)).features
    table = compare_sites(tables[seen], tables[other], limits, selected)
    found = summarise(table, len(tables[seen]), len(tables[other]), limits)
    sites = " less ".join(settings.data_sets[name].short for name in (other, seen))
    write_csv("metrics/drift.csv", table)
    write_svg("plots/drift.svg", draw_drift(table, limits, sites))
    write_json("metrics/drift.json", {"drift": found})
    print(
        f"{found['shifted']} of {found['features']} features are shifted, {found['selected_shifted']} of "
        f"{found['selected']} selected ones: metrics/drift.csv, plots/drift.svg"
    )


if __name__ == "__main__":
    run(main)

"""Compare the two sites' raw features: the shift that adaptation answers. It stops nothing.

Reads   params.yaml (validation.drift); data/lesions/vindr_mammo.csv for its training lesions; data/features of VinDr
        and INbreast, of the latter all lesions; models/vindr/selection/0.json, to mark what the prompts name
Writes  metrics/drift.csv, a row for each of the 67 features, the largest difference first (src/radprompt/gates/
        drift.py says what the columns are); metrics/drift.json, how many are shifted; plots/drift.svg
Takes   3 s on the demo
Expect  sites that differ in some features of every class; size and grey levels above all where detectors do
"""

from radprompt.core.errors import InputError
from radprompt.core.outputs import write_csv, write_json
from radprompt.core.params import load_params
from radprompt.core.stage import run
from radprompt.gates.drift import compare_sites, draw_drift, summarise
from radprompt.pages.drawing import write_svg
from radprompt.selection.record import Selection
from radprompt.study.settings import SETTINGS
from radprompt.tables.features import read_features
from radprompt.tables.lesions import read_lesions


def main() -> None:
    """Compare the sites."""
    limits, setting = load_params().validation.drift, SETTINGS["vindr"]
    lesions = read_lesions(f"data/lesions/{setting.train.dataset}.csv")
    vindr = read_features(f"data/features/{setting.train.dataset}.csv")
    vindr = vindr[vindr["lesion_id"].isin(lesions.loc[lesions["split"] == setting.train.split, "lesion_id"])]
    inbreast = read_features("data/features/inbreast.csv")
    for dataset, own in ((setting.train.dataset, vindr), ("inbreast", inbreast)):
        if len(own) < 2:
            what = f"{len(own)} lesion(s) to compare, two at least are needed"
            raise InputError(what, where=f"data/features/{dataset}.csv", fix="see its *_exclusions.csv")
    table = compare_sites(vindr, inbreast, limits, Selection.load(setting.selection_file(0)).features)
    found = summarise(table, len(vindr), len(inbreast), limits)
    write_csv("metrics/drift.csv", table)
    write_svg("plots/drift.svg", draw_drift(table, limits))
    write_json("metrics/drift.json", {"drift": found})
    print(
        f"{found['shifted']} of {found['features']} features are shifted, {found['selected_shifted']} of "
        f"{found['selected']} selected ones: metrics/drift.csv, plots/drift.svg"
    )


if __name__ == "__main__":
    run(main)

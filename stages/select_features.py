"""Choose the features that a setting's prompts name, by mRMR on its training lesions.

    python stages/select_features.py vindr

Reads   params.yaml (features); data/standardised/<setting>.csv.
Writes  models/<setting>/selection/<repeat>.json (features and names, the best first; method, scheme, bins, the lesions
        that it saw).
Takes   3 s on the demo.
Expect  eight features of several classes, shape and texture among them; other ones in other halves.
"""

from collections import Counter

from radprompt.outputs import whole_folder
from radprompt.params import load_params
from radprompt.radiomics.table import read_standardised
from radprompt.selection.choose import choose_features
from radprompt.settings import find
from radprompt.stage import run


def main(name: str) -> None:
    """Select for one setting."""
    setting, options = find(name), load_params().features
    table = read_standardised(f"data/standardised/{setting.name}.csv")
    counted: Counter[str] = Counter()
    with whole_folder(setting.selection_file(0).parent) as folder:
        for repeat in table["repeat"].unique():
            selection = choose_features(table[(table["split"] == "train") & (table["repeat"] == repeat)], options)
            selection.save(folder / setting.selection_file(repeat).name)
            counted.update(selection.names)
    repeats = table["repeat"].nunique()
    shown = ", ".join(name if repeats == 1 else f"{name} ({count})" for name, count in counted.most_common(12))
    print(f"{setting.name}: in {repeats} repeat(s) {shown}: {setting.selection_file(0).parent}")


if __name__ == "__main__":
    run(main, "setting")

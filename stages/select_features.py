"""Choose the features that each setting's prompts name, by mRMR on its training lesions.

Reads   settings.yaml; params.yaml (features); data/standardised/
Writes  models/selection/<setting>/<repeat>.json (features and names, the best first; method, scheme, bins, the lesions
        that it saw); start.json: of the setting whose model is continued
Takes   time that grows with repeats and training rows
Expect  eight features of several classes, shape and texture among them; other ones in other halves
"""

from collections import Counter
from pathlib import Path

from radprompt.core.compute import by_processes, parallel_map
from radprompt.core.outputs import atomic_folder
from radprompt.core.params import StudyParams
from radprompt.core.stage import run
from radprompt.core.table_params import load_study_params
from radprompt.selection.choose import choose_features, measured_here
from radprompt.selection.record import Selection
from radprompt.study.settings import load_settings
from radprompt.tables.cohort import of_setting
from radprompt.tables.features import read_standardised


def main() -> None:
    """Select for all settings; one that takes another's features gets a copy."""
    settings, params = load_settings(), load_study_params()
    chosen = {name: _select(name, params) for name, own in settings.items() if own.selection == name and own.labelled}
    with atomic_folder("models/selection") as folder:
        for name, setting in settings.items():
            repeats = list(chosen[name]) if name in chosen else _repeats(name)
            if setting.labelled:
                source = chosen[setting.selection]
                own = {repeat: source[repeat if repeat in source else 0] for repeat in repeats}
            else:
                first = chosen[settings[str(setting.continues)].selection][0]
                table = of_setting(read_standardised(f"data/standardised/{name}.csv"))
                own = {int(str(repeat)): measured_here(first, rows) for repeat, rows in table.groupby("repeat")}
            for repeat, selection in own.items():
                selection.save(Path(folder, name, f"{repeat}.json"))
            if setting.continues:
                chosen[settings[setting.continues].selection][0].save(Path(folder, name, "start.json"))
            counted = Counter(feature for selection in own.values() for feature in selection.names)
            counts = [f"{feature} ({count})" for feature, count in counted.most_common(12)]
            print(f"{name}: in {len(own)} repeat(s) {', '.join(counts)}: models/selection/{name}")


def _select(name: str, params: StudyParams) -> dict[int, Selection]:
    table = read_standardised(f"data/standardised/{name}.csv")
    repeats, rows = zip(*table[table["split"] == "train"].groupby("repeat"), strict=True)
    compute = by_processes(params.compute)  # what Peng's program prints is muted for a whole process
    label = f"Selecting for {name}"
    chosen = parallel_map(choose_features, rows, compute, label, unit="repeat", light=True, options=params.features)
    return {int(str(repeat)): selection for repeat, selection in zip(repeats, chosen, strict=True)}


def _repeats(name: str) -> list[int]:
    table = read_standardised(f"data/standardised/{name}.csv")
    return sorted(map(int, table["repeat"].unique()))


if __name__ == "__main__":
    run(main)

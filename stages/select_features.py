"""Choose the features that a setting's prompts name, by mRMR on its training lesions.

    python stages/select_features.py vindr

Reads   data/standardised/<setting>.csv.
Writes  models/<setting>/selection.json (features and names, the best first; scheme, bins, the lesions it saw).
Takes   3 s on the demo.
Expect  eight features of several classes, shape and texture among them.
"""

from radprompt.errors import InputError
from radprompt.params import load_params
from radprompt.radiomics.names import FEATURES, readable
from radprompt.radiomics.table import read_standardised
from radprompt.selection.mrmr import MRMRSelector
from radprompt.selection.record import Selection
from radprompt.settings import find
from radprompt.stage import run


def main(name: str) -> None:
    """Select for one setting."""
    setting = find(name)
    settings = load_params().features
    if settings.count > len(FEATURES):
        raise InputError(f"count is {settings.count}", where="params.yaml, features", fix=f"at most {len(FEATURES)}")
    table = read_standardised(f"data/standardised/{setting.name}.csv")
    train = table[table["split"] == "train"]
    selector = MRMRSelector(settings.count, settings.mrmr.scheme, settings.mrmr.bins)
    selector.fit(train[list(FEATURES)], train["label"])
    keys = tuple(selector.get_feature_names_ranked())
    names = tuple(readable(key) for key in keys)
    record = Selection(keys, names, settings.mrmr.scheme, settings.mrmr.bins, tuple(train["lesion_id"]))
    record.save(f"models/{setting.name}/selection.json")
    print(f"{setting.name}: {', '.join(names)}: models/{setting.name}/selection.json")


if __name__ == "__main__":
    run(main, "setting")

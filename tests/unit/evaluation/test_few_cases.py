"""The named model after few lesions of a second site: what each point may know."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from radprompt.core.params import load_params
from radprompt.evaluation.few_cases import SecondSite, first_site, points_of
from radprompt.named.variants import SELECTED
from radprompt.selection.record import Selection
from radprompt.tables.feature_names import FEATURES, readable

NAMES = list(FEATURES[:12])
KNOWN = NAMES[:4]


def lesions(seed: int, rows: int) -> pd.DataFrame:
    """Return features of which one of the first site's, and more so one of the others, tell the label."""
    generator = np.random.default_rng(seed)
    table = pd.DataFrame(generator.normal(size=(rows, len(NAMES))), columns=NAMES)
    labels = np.arange(rows) % 2
    table[NAMES[0]] += labels
    table[NAMES[9]] += 2 * labels
    return table.assign(lesion_id=[f"l{number}" for number in range(rows)], label=labels)


def test_without_lesions_no_label_of_the_site_tells_anything() -> None:
    whole = load_params(Path(__file__).parents[3] / "params.yaml")
    params = replace(whole, adaptation=replace(whole.adaptation, curve=[10]))
    names = tuple(map(readable, KNOWN))
    vectors = pd.DataFrame(np.random.default_rng(1).normal(size=(len(NAMES), 4)), index=[readable(n) for n in NAMES])
    given = {"vectors": vectors, "directions": None, "params": params}
    first = first_site(lesions(2, 80), Selection(tuple(KNOWN), names, "mrmr", "MIQ", 5, ("a",)), **given)
    train, test = lesions(3, 60), lesions(4, 200)
    points = []
    for labels in (train["label"], 1 - train["label"], train["label"].sample(frac=1, random_state=5).to_numpy()):
        found = points_of(SecondSite(0, train.assign(label=np.asarray(labels)), test), first=first, **given)
        points.append({(model, count): auc for model, count, _, auc in found})
    assert len({own[SELECTED, 0] for own in points}) == 1
    assert 0.65 < points[0][SELECTED, 0] < 0.9  # by the first site's features; the others' tell more
    assert points[0][SELECTED, 10] != points[1][SELECTED, 10]

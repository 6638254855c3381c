"""Two sites pooled without reading names: an intercept a site, and the first site's logit as a feature."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from radprompt.baselines.transfer import MODELS, POOLED, SOURCE_LOGIT, SiteRows, predict_transferred
from radprompt.core.baseline_params import Baselines
from radprompt.core.params import load_params


@pytest.fixture(scope="module")
def params() -> Baselines:
    return load_params(Path(__file__).parents[3] / "params.yaml").baselines


def _site(seed: int, rows: int, prevalence: float, selected: list[str]) -> SiteRows:
    """One rule for both sites, ``a`` less ``b``; prevalence differs."""
    generator = np.random.default_rng(seed)
    X = pd.DataFrame(generator.normal(size=(rows, 4)), columns=["a", "b", "c", "d"])
    score = 2 * X["a"] - 2 * X["b"] + generator.logistic(size=rows)
    return SiteRows(X, (score > np.quantile(score, 1 - prevalence)).astype(int).to_numpy(), selected)


FIRST, SECOND, NEW = _site(0, 300, 0.5, ["a", "b"]), _site(1, 12, 0.5, ["a", "c"]), _site(2, 400, 0.5, [])


@pytest.mark.parametrize("model", MODELS)
def test_twelve_lesions_and_another_site_tell_more_than_twelve_alone(model: str, params: Baselines) -> None:
    from radprompt.baselines.classical import Conventional

    alone = Conventional("logistic_regression", params, 0).fit(SECOND.X[SECOND.selected], SECOND.y)
    before = roc_auc_score(NEW.y, alone.predict_proba(NEW.X[SECOND.selected])[:, 1])
    after = roc_auc_score(NEW.y, predict_transferred(model, FIRST, SECOND, NEW.X, params, 0))
    assert after > before + 0.05


def test_pooling_uses_what_either_site_selected_and_nothing_else(params: Baselines) -> None:
    once = predict_transferred(POOLED, FIRST, SECOND, NEW.X, params, 0)
    changed = NEW.X.assign(d=100.0)
    assert (predict_transferred(POOLED, FIRST, SECOND, changed, params, 0) == once).all()
    assert (predict_transferred(POOLED, FIRST, SECOND, NEW.X.assign(c=NEW.X["c"] + 1), params, 0) != once).all()


def test_a_feature_may_be_called_site(params: Baselines) -> None:
    """What is ours beside the features has a name that no feature has."""
    once = predict_transferred(POOLED, FIRST, SECOND, NEW.X, params, 0)
    names = {"a": "site", "b": "logit"}
    first, second = (
        SiteRows(rows.X.rename(columns=names), rows.y, [names.get(name, name) for name in rows.selected])
        for rows in (FIRST, SECOND)
    )
    assert (predict_transferred(POOLED, first, second, NEW.X.rename(columns=names), params, 0) == once).all()


def test_each_site_has_an_intercept_of_its_own(params: Baselines) -> None:
    """With a rarer class at the second site, its probabilities are lower at the same values."""
    rare = _site(1, 200, 0.1, ["a", "b"])
    common = predict_transferred(POOLED, FIRST, _site(1, 200, 0.9, ["a", "b"]), NEW.X, params, 0)
    assert predict_transferred(POOLED, FIRST, rare, NEW.X, params, 0).mean() < common.mean() - 0.3


def test_the_first_sites_logit_alone_carries_its_features(params: Baselines) -> None:
    """``b`` is not among the second site's features; it counts through the first site's logit."""
    once = predict_transferred(SOURCE_LOGIT, FIRST, SECOND, NEW.X, params, 0)
    moved = predict_transferred(SOURCE_LOGIT, FIRST, SECOND, NEW.X.assign(b=NEW.X["b"] + 2), params, 0)
    assert (moved < once).all()

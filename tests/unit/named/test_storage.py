"""Saved models: the same numbers, no rows, and words for what cannot be read."""

import json

import numpy as np
import pandas as pd
import pytest
from simulated_tables import simulate

from radprompt import NamedClassifier
from radprompt.core.errors import InputError


@pytest.mark.parametrize("scaling", ["zscore", "normal", "none"])
def test_what_is_loaded_predicts_the_same_bits(site_a, site_b, scaling, tmp_path):
    names = pd.concat([site_a.vectors, site_b.vectors])
    words = np.where(site_a.y == 1, "sick", "healthy")
    model = NamedClassifier(names, scaling=scaling, direction={"feature 0001": 1.0}).fit(site_a.X, words, site="A")
    model.adapt(site_b.X, np.where(site_b.y == 1, "sick", "healthy"), site="B")
    model.save(tmp_path / "model")
    loaded = NamedClassifier.load(tmp_path / "model")
    for data, site in ((site_a, "A"), (site_b, "B")):
        assert loaded.predict_proba(data.X, site=site).tolist() == model.predict_proba(data.X, site=site).tolist()
        assert loaded.predict(data.X, site=site).tolist() == model.predict(data.X, site=site).tolist()
    pd.testing.assert_frame_equal(loaded.coefficients(), model.coefficients(), check_exact=True)
    assert loaded.site_ == "B"
    loaded.save(tmp_path / "again")
    for file in ("named.json", "named.safetensors"):
        assert (tmp_path / "again" / file).read_bytes() == (tmp_path / "model" / file).read_bytes()


def test_a_model_does_not_grow_with_its_cases(tmp_path):
    sizes = []
    for rows in (100, 2000):
        data = simulate(rows, 12, 0)
        NamedClassifier(scaling="zscore").fit(data.X, data.y).save(tmp_path / str(rows))
        sizes.append((tmp_path / str(rows) / "named.safetensors").stat().st_size)
    assert sizes[0] == sizes[1] < 10_000


def test_no_row_of_few_cases_is_in_the_file(tmp_path):
    """With fewer cases than names a summary has as many rows as cases; they are rotated."""
    data = simulate(10, 40, 0)
    model = NamedClassifier(scaling="zscore").fit(data.X, data.y)
    z = (data.X - data.X.mean()) / data.X.std(ddof=0)
    (site,) = model.model_.sites
    kept = np.vstack([site.summary.design[:, :-1], model.model_.influence.root[:, :-1]])
    likeness = np.abs(np.corrcoef(np.vstack([kept, z.to_numpy()])))[: len(kept), len(kept) :]
    assert likeness.max() < 0.95


def test_the_cache_folder_of_this_machine_is_not_saved(site_a, tmp_path):
    NamedClassifier(cache=tmp_path).fit(site_a.X, site_a.y).save(tmp_path / "model")
    assert str(tmp_path) not in (tmp_path / "model" / "named.json").read_text()


def test_folders_that_hold_no_model(site_a, tmp_path):
    with pytest.raises(InputError, match=r"named\.json is absent"):
        NamedClassifier.load(tmp_path)
    folder = tmp_path / "model"
    NamedClassifier().fit(site_a.X, site_a.y).save(folder)
    record = json.loads((folder / "named.json").read_text())
    for change, words in (
        ({"format": 9}, "another version"),
        ({"scales": {"depth": 1}}, "not a named model"),
        ({"sites": []}, "not a named model"),
        ({"sites": [record["sites"][0] | {"columns": ["a"]}]}, "not a named model"),
    ):
        (folder / "named.json").write_text(json.dumps(record | change))
        with pytest.raises(InputError, match=words):
            NamedClassifier.load(folder)
    (folder / "named.json").write_text(json.dumps(record))
    (folder / "named.safetensors").write_bytes(b"\xff" * 40)
    with pytest.raises(InputError, match="not a named model"):
        NamedClassifier.load(folder)

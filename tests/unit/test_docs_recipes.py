"""What recipes say to write is what the code reads."""

import re
from pathlib import Path

import pandas as pd
from ruamel.yaml import YAML

from radprompt import NamedClassifier
from radprompt.study.settings import load_settings

ROOT = Path(__file__).parents[2]


def test_the_setting_of_the_recipe_is_a_sixth_entry(tmp_path):
    recipe = (ROOT / "docs/recipes/setting.md").read_text(encoding="utf-8")
    block = re.search(r"```yaml\nsettings:\n  \.\.\.\n(.*?)```", recipe, re.DOTALL)
    entry = YAML(typ="safe").load(block[1])
    content = YAML(typ="safe").load((ROOT / "settings.yaml").read_text(encoding="utf-8"))
    content["settings"] |= entry
    path = tmp_path / "settings.yaml"
    YAML(typ="safe").dump(content, path)
    settings = load_settings(path)
    assert [name for name in settings if name in entry] == ["reversed"]
    added = settings["reversed"]
    assert (added.train.dataset, added.test.dataset, added.repeated, added.continues) == (
        "inbreast",
        "vindr_mammo",
        True,
        None,
    )


def test_the_named_model_of_the_readme_runs():
    """Run its two lines, without a backbone."""
    code = re.search(
        r"```python\n(from radprompt import NamedClassifier\n.*?)```", (ROOT / "README.md").read_text(), re.S
    )
    lines = [line for line in code[1].replace('"models/backbone"', "").splitlines() if line]
    assert len(lines) == 2
    X = pd.DataFrame({"Sphericity": [0.9, 0.8, 0.7, 0.4, 0.3, 0.2], "Entropy": [2.0, 3.0, 2.5, 3.5, 2.2, 3.1]})
    y = ["benign"] * 3 + ["malignant"] * 3
    X_other_site = X.rename(columns={"Entropy": "Energy"}) * 2
    model = NamedClassifier().fit(X, y).adapt(X_other_site, y)
    assert lines[1] == "model = NamedClassifier().fit(X, y).adapt(X_other_site, y_other_site)"
    sphericity = model.coefficients().set_index(["site", "name"])["mean"].xs("Sphericity", level="name")
    assert (sphericity < 0).all()
    assert list(sphericity.index) == ["site 1", "site 2"]

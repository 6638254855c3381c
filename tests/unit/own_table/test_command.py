"""`radprompt table` as it is typed: the check alone, a second table, a second run."""

import shlex

import dvc.repo  # noqa: F401 - its log keeps the stream that it finds: not one of a single test
import pandas as pd
import pytest
from noise import NUMBERS, noise

from radprompt.cli import app
from radprompt.core.errors import InputError


@pytest.fixture
def typed(tmp_path, monkeypatch, capsys):
    """Run the command line in a folder of its own, outside any git repository."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))

    def typed(line: str) -> str:
        capsys.readouterr()
        app(shlex.split(line), standalone_mode=False)
        return capsys.readouterr().out

    return typed


@pytest.fixture
def masses(tmp_path):
    table = noise()
    table.insert(0, "ID", [f"{row:04d}" for row in range(len(table))])
    table.to_csv(tmp_path / "my masses.csv", index=False)
    return table


def test_the_check_alone_writes_nothing(typed, masses, tmp_path):
    said = typed("table 'my masses.csv' --label label --id ID --ignore 'Z*' --check")
    assert "100 cases of 100 patients, 8 features, 'malignant' (49 cases) counts as 1" in said
    assert "column 'Zone Entropy' is left out: ignored, as asked" in said
    assert said.endswith("the table can be used\n")
    assert [path.name for path in tmp_path.iterdir()] == ["my masses.csv"]


def test_the_check_can_be_read_as_a_page(typed, masses, tmp_path):
    typed("table 'my masses.csv' --label label --id ID --ignore 'Z*' --clinical age --check --page good.html")
    good = (tmp_path / "good.html").read_text()
    assert "The table can be used." in good
    assert "100 used, of 100 patients" in good
    assert good.count('aria-label="histogram"') == 5  # the clinical one among them; Margin has levels instead
    assert "<td>ignored, as asked</td>" in good
    assert "http" not in good.replace("http-equiv", "")
    masses.assign(**{"lfd. Nr": range(1, 101), "<b>": "x y"}).to_csv(tmp_path / "my masses.csv", index=False)
    with pytest.raises(InputError) as error:
        typed("table 'my masses.csv' --label label --check --page bad.html")
    bad = (tmp_path / "bad.html").read_text()
    assert "things are to be settled." in bad
    assert f"{shlex.quote('lfd. Nr')}".replace("'", "&#39;") in bad
    assert error.value.command.replace("'", "&#39;") in bad
    with pytest.raises(InputError, match="needs --check"):
        typed("table 'my masses.csv' --label label --page bad.html")


def test_the_command_in_a_message_can_be_pasted(typed, masses, tmp_path):
    masses.assign(**{"lfd. Nr": range(1, 101)}).to_csv(tmp_path / "my masses.csv", index=False)
    with pytest.raises(InputError) as error:
        typed("table 'my masses.csv' --label label --task 'Is it malignant?' --check")
    line = error.value.fix.splitlines()[-1]
    assert line == (
        "radprompt table 'my masses.csv' --label label --task 'Is it malignant?' --check --id ID --ignore 'lfd. Nr'"
    )
    assert "the table can be used" in typed(line.removeprefix("radprompt "))


def test_labels_come_from_a_second_table(typed, masses, tmp_path):
    masses.drop(columns="label").to_csv(tmp_path / "radiomics.csv", index=False)
    clinical = masses[["ID", "label"]].sample(frac=1, random_state=1).iloc[:90]
    clinical.astype({"ID": int}).assign(stage=2).to_csv(tmp_path / "clinical.csv", index=False, sep=";")
    said = typed("table radiomics.csv --labels clinical.csv --on ID --label label --no-run")
    assert "90 cases of 90 patients, 9 features" in said
    joined = pd.read_csv(tmp_path / "radiomics_radprompt/data/table.csv", dtype={"ID": str})
    merged = joined.merge(masses, on="ID", suffixes=("", "_before"))
    known = merged["label"].notna()
    assert known.sum() == 90
    assert (merged["label"] == merged["label_before"])[known].all()


def test_slicers_table_is_joined_by_columns_of_two_names(typed, masses, tmp_path):
    turned = masses[NUMBERS].T.set_axis(masses["ID"], axis=1).rename_axis("Feature Name").reset_index()
    turned.insert(0, "Feature Class", "glcm")
    turned.insert(0, "Image type", "original")
    turned.to_csv(tmp_path / "slicer.csv", index=False)
    masses[["ID", "label"]].to_csv(tmp_path / "clinical.csv", index=False)
    with pytest.raises(InputError, match="--on case=ID"):
        typed("table slicer.csv --labels clinical.csv --label label --check")
    said = typed("table slicer.csv --labels clinical.csv --on case=ID --label label --check")
    assert "100 cases of 100 patients, 4 features" in said


def test_a_second_run_says_only_what_it_changes(typed, masses):
    typed("table 'my masses.csv' --label label --id ID --missing=-77 --no-run")
    said = typed("table 'my masses.csv' --label label --id ID --ignore age --no-run")
    assert said.splitlines()[0] == "params.yaml: table.ignore was [], is now ['age']"
    assert "params.yaml" not in typed("table 'my masses.csv' --label label --id ID --no-run")

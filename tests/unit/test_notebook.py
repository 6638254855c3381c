"""The notebook runs from top to bottom, offline, and says what it says in git."""

import runpy
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parents[2]
NOTEBOOK = ROOT / "examples/first_steps.ipynb"
FIX = "run `python docs/tools/notebook.py examples/first_steps.ipynb`, look at what changed, and commit it"


def _said(notebook):
    """By cell: printed text, and the kinds of what is shown; kinds of pictures, whose bytes are a Matplotlib's own."""
    return [
        [output.get("text") or sorted(output.get("data", {})) for output in cell.outputs]
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    tool = runpy.run_path(str(ROOT / "docs/tools/notebook.py"))
    return tool["executed"](NOTEBOOK, tmp_path_factory.mktemp("notebook"))


def test_the_notebook_says_what_it_says_in_git(executed):
    assert _said(executed) == _said(nbformat.read(NOTEBOOK, as_version=4)), FIX


def test_every_cell_of_code_shows_something_and_no_path_of_a_machine(executed):
    assert all(_said(executed))
    text = NOTEBOOK.read_text(encoding="utf-8")
    assert not [word for word in ("/home/", "/tmp/", str(ROOT)) if word in text]

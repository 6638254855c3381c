"""Docstrings as the site's reference shows them."""

import runpy
from pathlib import Path

import pytest

pytest.importorskip("griffe", reason="comes with requirements/docs.txt: `make docs`")
APART = runpy.run_path(str(Path(__file__).parents[2] / "docs/tools/docstrings.py"))["apart"]


def test_parameters_described_together_become_entries_of_their_own():
    text = (
        "Do.\n\nParameters\n----------\na, b\n    Both.\n\n    More.\nc\n    One.\n\n"
        "Returns\n-------\nx, y\n    Not these."
    )
    assert APART(text) == (
        "Do.\n\nParameters\n----------\na\n    Both.\n\n    More.\nb\n    See ``a``.\nc\n    One.\n\n"
        "Returns\n-------\nx, y\n    Not these."
    )


def test_each_gets_its_own_type_and_default():
    text = (
        'Parameters\n----------\na, b : int; {"x", "y"}, default=1, "x"\n    Both.\n'
        "c, d : float, default=0.5, 2\n    More."
    )
    assert APART(text) == (
        'Parameters\n----------\na : int, default=1\n    Both.\nb : {"x", "y"}, default="x"\n    See ``a``.\n'
        "c : float, default=0.5\n    More.\nd : float, default=2\n    See ``c``.\n"
    )


def test_other_docstrings_stay():
    assert APART("One, two\n    three.") == "One, two\n    three."

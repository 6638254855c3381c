"""What a fingerprint sees of an edit and what it does not."""

from pathlib import Path

import pytest

from radprompt.core.errors import InputError
from radprompt.repository.fingerprints import code_of, fingerprint, stripped

MODULE = '''"""What it is."""

import math  # for pi

LIMIT = 3
"""Of something."""


class Circle:
    """A circle."""

    def area(self, radius):
        """Return the area.

        In square millimetres.
        """
        text = """kept,

        # not a comment   """
        return math.pi * radius**2, text, "# nor this"  # nor counted
'''


@pytest.fixture
def tree(tmp_path):
    """A repository with one stage that imports a package's module, inside a function, and a template through it."""
    files = {
        "stages/draw.py": (
            "from radprompt.core.params import Params\n\n\ndef main():\n    from radprompt.shapes import circle\n"
        ),
        "src/radprompt/__init__.py": "VERSION = 1\n",
        "src/radprompt/core/params.py": "from radprompt.idle import X\n\nclass Params: ...\n",
        "src/radprompt/idle.py": "X = 1\n",
        "src/radprompt/shapes/__init__.py": '"""Shapes."""\n',
        "src/radprompt/shapes/circle.py": MODULE + "\nfrom radprompt.shapes.page import render\n",
        "src/radprompt/shapes/page.py": (
            "from importlib.resources import files\n\ndef render():\n"
            "    return files('radprompt.pages.report') / 'a.html'\n"
        ),
        "src/radprompt/shapes/own.css": "body {}\n",
        "src/radprompt/pages/report/__init__.py": "",
        "src/radprompt/pages/report/a.html": "<p>\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_templates_that_the_pages_environment_is_asked_for_count(tree):
    module = (
        "from radprompt.pages.environment import environment\n\n\ndef render():\n"
        "    return environment('radprompt.pages.report').get_template('a.html')\n"
    )
    (tree / "src/radprompt/shapes/page.py").write_text(module)
    (tree / "src/radprompt/pages/environment.py").write_text("def environment(*packages): ...\n")
    found = {path.relative_to(tree).as_posix() for path in code_of(tree / "stages/draw.py", tree)}
    assert {"src/radprompt/pages/report/a.html", "src/radprompt/pages/environment.py"} <= found


def _stripped(tmp_path: Path, text: str) -> str:
    file = tmp_path / f"m{len(list(tmp_path.iterdir()))}.py"
    file.write_text(text, encoding="utf-8")
    return stripped(file)


def test_imports_inside_functions_and_packaged_files_count_and_plumbing_does_not(tree):
    found = [path.relative_to(tree).as_posix() for path in code_of(tree / "stages/draw.py", tree)]
    assert found == [
        "src/radprompt/pages/report/a.html",
        "src/radprompt/shapes/__init__.py",
        "src/radprompt/shapes/circle.py",
        "src/radprompt/shapes/own.css",
        "src/radprompt/shapes/page.py",
        "stages/draw.py",
    ]
    assert fingerprint(tree / "stages/draw.py", tree).count("\n") == 5  # the __init__.py says nothing


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("What it is.", "What it was."),
        ("        In square millimetres.\n", ""),
        ("# for pi", "# for the number"),
        ("  # nor counted", ""),
        ('"""Of something."""\n\n\n', '"""Of something else,\n\non three lines."""\n'),
    ],
)
def test_docstrings_comments_and_blank_lines_do_not_count(tmp_path, old, new):
    assert old in MODULE
    assert _stripped(tmp_path, MODULE.replace(old, new)) == _stripped(tmp_path, MODULE)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("LIMIT = 3", "LIMIT = 4"),
        ("# not a comment", "# not"),
        ("kept,\n\n", "kept,\n"),
        ('"# nor this"', '"# this"'),
        ("        return", "    return"),
        ("comment   ", "comment"),
    ],
)
def test_code_and_text_of_strings_count(tmp_path, old, new):
    assert old in MODULE
    assert _stripped(tmp_path, MODULE.replace(old, new)) != _stripped(tmp_path, MODULE)


def test_letters_beyond_ascii_before_a_comment_are_cut_at_the_right_place(tmp_path):
    assert _stripped(tmp_path, 'x = "é²"  # é\n"""é."""\ny = f"""ä {x}"""  # ü\n') == 'x = "é²"\ny = f"""ä {x}"""'


def test_a_module_that_is_not_python_is_named_with_its_line(tree):
    (tree / "src/radprompt/shapes/circle.py").write_text("x = 1\ny = (\n")
    with pytest.raises(InputError, match=r"circle\.py, line 2"):
        fingerprint(tree / "stages/draw.py", tree)

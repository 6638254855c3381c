"""Files and names that others wrote."""

import pytest

from radprompt.core.errors import ImageError, InputError
from radprompt.core.inputs import checked, is_name, shown


def test_a_regular_file_is_given_back(tmp_path):
    (tmp_path / "a").write_bytes(b"12345")
    (tmp_path / "link").symlink_to(tmp_path / "a")
    assert checked(tmp_path / "a", 5) == tmp_path / "a"
    assert checked(tmp_path / "link", 5) == tmp_path / "link"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("absent", "no such image\nFix: look elsewhere"),
        ("a/below", "no such image"),
        ("folder", "no image: a folder, pipe or device"),
        ("large", r"image too large: 1\.0 MiB, where 1 are allowed"),
        ("loop", r"no image can have this name \(Too many levels of symbolic links\)"),
        ("n" * 300, r"no image can have this name \(File name too long\)"),
        ("null\0", r"no image can have this name \(embedded null byte\)"),
    ],
)
def test_everything_else_says_what_it_is(tmp_path, name, reason):
    (tmp_path / "a").touch()
    (tmp_path / "folder").mkdir()
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "large").write_bytes(bytes(2**20 + 1))
    with pytest.raises(ImageError, match=reason) as caught:
        checked(tmp_path / name, 2**20, ImageError, what="image", absent="look elsewhere")
    assert "\0" not in str(caught.value)


def test_a_file_that_may_not_be_opened(tmp_path, monkeypatch):
    (tmp_path / "a").touch()

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", refuse)
    with pytest.raises(InputError, match="a: no permission to read it"):
        checked(tmp_path / "a", 5)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("P_00001 é", "P_00001 é"),
        ("a\nb\0c\u2028d", r"a\nb\x00c\u2028d"),
        ("\udcff", r"\udcff"),
        ("x" * 11, "x" * 10 + " ..."),
    ],
)
def test_text_for_a_message_is_one_line_that_can_be_written(text, told):
    assert shown(text, 10) == told
    told.encode("utf-8")


@pytest.mark.parametrize("name", ["P_00001_LEFT_CC_1", "9bfcf54d", "a b", "é", "1.2.3", "-x", "a" * 200])
def test_plain_names(name):
    assert is_name(name)


@pytest.mark.parametrize(
    "name", ["", ".", "..", " ", "...", "a/b", "../x", "a\\b", "C:x", "a\nb", "a\0", "\udcff", "a" * 201, "é" * 101]
)
def test_names_that_are_no_names(name):
    assert not is_name(name)

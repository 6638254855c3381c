"""Pins and decoders."""

import sys

import pytest

from radprompt.repository.doctor import packages


@pytest.fixture
def pins(tmp_path):
    def write(text):
        (tmp_path / "requirements").mkdir(exist_ok=True)
        for file in packages.REQUIREMENTS:
            (tmp_path / file).write_text("", encoding="utf-8")
        (tmp_path / packages.REQUIREMENTS[0]).write_text(text, encoding="utf-8")
        return tmp_path

    return write


@pytest.fixture
def installed(monkeypatch):
    here = {"torch": "2.13.0+cpu", "rich": "15.0.0", "xgboost": "3.2.0"}
    monkeypatch.setattr(packages, "_version", here.get)


def test_pinned_packages_are_here(pins, installed):
    found = packages.check_packages(pins("# a comment\nrich==15.0.0\n"))
    assert (found.state, found.found) == ("ok", "1 of 1 pinned, torch 2.13.0+cpu")


def test_a_missing_package_is_an_error_that_names_it(pins, installed):
    found = packages.check_packages(pins("rich==15.0.0\nSimpleITK==2.5\n"))
    assert found.state == "error"
    assert "1 of 2 pinned" in found.found
    assert "SimpleITK" in found.found
    assert found.fix == "run `make setup`"


def test_without_the_list_of_pins_it_says_where_to_run(tmp_path):
    found = packages.check_packages(tmp_path)
    assert (found.state, found.found) == (
        "error",
        "no requirements/lock.txt and requirements/sdist.txt to compare with",
    )
    assert "repository's root" in found.fix


def test_another_version_is_to_mind(pins, installed):
    found = packages.check_packages(pins("rich==14.1.0\n"))
    assert found.state == "warning"
    assert "rich 15.0.0 (14.1.0)" in found.found


def test_xgboost_with_gpu_code_stands_in_for_the_one_without(pins, installed):
    assert packages.check_packages(pins("xgboost-cpu==3.2.0\n")).state == "ok"


def test_python_outside_the_pins_is_an_error(monkeypatch):
    assert packages.check_python().state == "ok"
    monkeypatch.setattr(sys, "version_info", (3, 13, 1))
    assert packages.check_python().state == "error"


def test_every_syntax_of_the_data_sets_is_decoded_here():
    assert packages.check_decoders().state == "ok"


def test_a_lacking_decoder_is_named(monkeypatch):
    from pydicom import pixels

    real = pixels.get_decoder

    class Without:
        is_available = False

    monkeypatch.setattr(pixels, "get_decoder", lambda uid: Without() if str(uid).endswith("4.70") else real(uid))
    found = packages.check_decoders()
    assert found.state == "error"
    assert found.found == "none for JPEG lossless, first order"


def test_without_pydicom_the_decoders_are_an_error_that_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "pydicom.pixels", None)
    found = packages.check_decoders()
    assert (found.state, found.found) == ("error", "pydicom is not installed")
    assert "radprompt[mammograms]" in found.fix

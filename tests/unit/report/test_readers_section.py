"""The report says who looked at contours, how far readers agree, and what corrections changed."""

import re
from html import unescape

import pandas as pd
import pytest

from radprompt.core.outputs import write_csv, write_json
from radprompt.core.params import load_params
from radprompt.pages.report.page import build
from radprompt.pages.report.reader import Reader
from radprompt.pages.report.readers import readers

ANN = {"lesions": 4, "accepted": 2, "corrected": 1, "unusable": 1, "dice": 0.9321, "seconds": 6.4}
BEN = {"lesions": 3, "accepted": 0, "corrected": 3, "unusable": 0, "dice": 0.8, "seconds": 21.0}
COMPARED = {
    **{"contours": 3, "dice": 0.9, "lowest_dice": 0.7, "measured": 3, "features": 67, "icc": 0.91},
    **{"stable": 60, "shift": 0.25},
}
PAIR = {"first": "ann", "second": "ben", "lesions": 3, "same_use": 2, **COMPARED}
NOTHING = {
    **{"contours": 0, "dice": None, "lowest_dice": None, "measured": 0, "features": 0, "icc": None},
    **{"stable": 0, "shift": None},
}
AUC = {
    **{"before": 0.75, "after": 0.8, "difference": 0.05, "low": -0.01, "high": 0.11, "repeats": 1},
    **{"corrected": 3, "trained": 2, "tested": 1},
}


def write(repository, *, auc=None, rows=(), **data_set):
    """Write what the stage writes of VinDr-Mammo; nothing where ``data_set`` is empty."""
    usual = {"lesions": 4, "accepted": 2, "corrected": 1, "unusable": 1, "pairs": [], "corrections": NOTHING}
    content = {"vindr_mammo": usual | data_set} if data_set else {}
    write_json(repository / "metrics/readers.json", {"data_sets": content, "auc": auc or {}})
    columns = ["dataset", "comparison", "feature", "name", "lesions", "icc", "low", "high", "shift"]
    write_csv(repository / "metrics/readers.csv", pd.DataFrame(list(rows), columns=columns))


def section(repository) -> str:
    text = build(repository, load_params(repository / "params.yaml")).audit
    text = text[text.index('<section id="segmentation">') :]
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", text[: text.index("</section>")])).split())


def test_before_the_stage_ran_the_page_says_what_to_run(repository, settings):
    (repository / "metrics/readers.json").unlink(missing_ok=True)
    assert readers(Reader(repository), settings) is None
    assert "The comparison of readers is not there yet: dvc repro readers makes it" in section(repository)


def test_without_decisions_the_page_says_so(repository):
    write(repository)
    text = section(repository)
    assert "No reader has decided on a contour: all are as they were drawn" in text
    assert "Readers of" not in text


def test_one_reader_alone_is_said(repository):
    write(repository, readers={"ann": ANN})
    text = section(repository)
    assert "4 contours were looked at: 2 accepted, 1 corrected, 1 found unusable" in text
    assert "ann 4 2 1 1 0.932 6" in text
    assert "There is one reader: how far readers agree needs a second one." in text


def test_readers_who_share_no_lesion_are_not_compared(repository):
    write(repository, readers={"ann": ANN, "ben": BEN})
    assert "No two readers decided on the same lesion" in section(repository)


def test_two_readers_are_compared_and_what_corrections_changed_is_said(repository):
    rows = [
        ("vindr_mammo", "ann and ben", "shape_Sphericity", "Sphericity", 3, 0.4, -0.1, 0.8, 0.5),
        ("vindr_mammo", "ann and ben", "shape_Perimeter", "Perimeter", 3, 0.3, -0.2, 0.7, 0.6),
        ("vindr_mammo", "drawn and corrected", "firstorder_Mean", "Mean", 3, 0.6, 0.1, 0.9, 0.4),
    ]
    both = {"ann": ANN, "ben": BEN}
    write(repository, readers=both, pairs=[PAIR], corrections=COMPARED, rows=rows, auc={"vindr": AUC})
    text = section(repository)
    assert "ann and ben 3 2 3 0.900 0.700 3 0.910 60 of 67" in text
    low = "\N{MINUS SIGN}"
    assert f"agree least on Perimeter 0.30 ({low}0.20 to 0.70), Sphericity 0.40 ({low}0.10 to 0.80)" in text
    assert "Corrections: 3 contours with a median Dice of 0.900 with what was drawn, the lowest 0.700." in text
    assert "the median feature moved by 0.250 standard deviations, with a median ICC of 0.910" in text
    assert "Most changed: Mean 0.60 (0.10 to 0.90)." in text
    assert f"2 1 0.750 0.800 0.050 {low}0.01 to 0.11" in text


@pytest.mark.parametrize("name", ["metrics/readers.json", "metrics/readers.csv"])
def test_what_is_shown_has_a_digest(repository, settings, name):
    write(repository, readers={"ann": ANN})
    reader = Reader(repository)
    readers(reader, settings)
    assert name in reader.digests

"""The two pages as a whole: self-contained, tolerant, the same bytes twice, nothing shared that may not be."""

import hashlib
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest
from ruamel.yaml import YAML

from radprompt.core.errors import InputError
from radprompt.core.params import check_params, load_params
from radprompt.pages.report.page import AUDIT, RESULTS, build, is_synthetic


class _Page(HTMLParser):
    """Collects tags, ids, links and everything that a browser would load."""

    VOID = frozenset({"meta", "img", "br", "line", "rect", "path", "image", "link"})

    def __init__(self, text):
        super().__init__()
        self.ids, self.links, self.loads, self.open, self.tags = [], [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        self.tags.append(tag)
        self.ids += [values["id"]] if "id" in values else []
        if tag == "a":
            self.links.append(values["href"])
        else:
            self.loads += [values[name] for name in ("src", "href", "data", "action") if values.get(name)]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            assert self.open.pop() == tag

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in self.VOID:
            self.open.pop()


def _real(root):
    """Return the repository's params, with the data at the place of real ones."""
    content = YAML(typ="safe").load((root / "params.yaml").read_text())
    content["data"]["root"] = "data/raw"
    return check_params(content)


def _text(root, params=None):
    """Return both pages, one after the other."""
    return "".join(build(root, params or load_params(root / "params.yaml")))


@pytest.mark.parametrize("name", ["results", "audit"])
def test_page_loads_nothing_and_every_tag_is_closed(repository, name):
    text = build(repository, load_params(repository / "params.yaml"))._asdict()[name]
    page = _Page(text)
    assert page.open == []
    assert page.loads
    assert all(load.startswith("data:image/") for load in page.loads)
    assert not re.search(r"url\(|@import|@font-face", text)
    assert not {"script", "link", "iframe", "object"} & set(page.tags)


@pytest.mark.parametrize("name", ["results", "audit"])
def test_every_link_leads_to_a_section_of_its_own_page(repository, name):
    page = _Page(build(repository, load_params(repository / "params.yaml"))._asdict()[name])
    assert len(page.ids) == len(set(page.ids))
    assert page.links
    assert {link for link in page.links if link.removeprefix("#") not in page.ids} == set()  # a page is mailed alone


def test_same_artefacts_give_the_same_bytes_and_no_machine_path(repository, tmp_path_factory):
    params = load_params(repository / "params.yaml")
    text = _text(repository, params)
    moved = tmp_path_factory.mktemp("elsewhere") / "repository"
    repository.rename(moved)
    assert _text(moved, params) == text
    assert str(moved.parent) not in text


def test_values_of_artefacts_are_on_the_page_and_escaped(repository):
    text = _text(repository)
    assert "Classify vindr_mammo_test_0 &lt;b&gt;." in text
    assert "<b>." not in text
    assert "no &lt;mass&gt;" in text
    assert "0.8951" in text  # the scaler's mean
    assert "epoch 2 was kept" in text
    assert "mean over 3 trainings 0.688 (SD 0.125)" in text  # 0.6875 in metrics/training
    assert "Perimeter (25 %)" in text  # not selected here, though resamples would


def test_before_any_stage_the_page_names_what_is_missing(repository, tmp_path):
    bare = tmp_path / "bare"
    bare.mkdir()
    shutil.copy(repository / "settings.yaml", bare)
    text = _text(bare, load_params(repository / "params.yaml"))
    assert _Page(text).open == []
    for stage in (
        "lesions",
        "masks",
        "segmentation_quality",
        "select",
        "language_model",
        "halves",
        "figures",
        "summary",
        "learning_curve",
        "named",
        "named_curve",
        "explain",
        "drift",
        "paper_comparison",
    ):
        assert f"dvc repro {stage}" in text


@pytest.mark.parametrize(
    "gone",
    [
        "data/lesions/cbis_ddsm.csv",
        "data/lesions/vindr_mammo_flow.json",
        "data/masks/vindr_mammo/vindr_mammo_test_0.png",
        "data/masks/inbreast.csv",
        "data/phantom/raw/vindr_mammo/vindr_mammo_test_0.dcm",
        "data/predictions/vindr/llm.csv",
        "data/prompts/vindr.jsonl",
        "metrics/comparison.csv",
        "models/scaler/vindr/0.json",
        "models/selection/vindr/0.json",
        "models/selection/inbreast_extended/0.json",
        "models/language_model/vindr/repeat_0_seed_2025/classifier.json",
        "plots/training/vindr/plots/metrics/val_auc.tsv",
        "plots/evaluation/inbreast_adapted/roc.svg",
        "plots/learning_curve.svg",
        "metrics/training/vindr.json",
        "metrics/learning_curve.csv",
        "metrics/explanations.csv",
        "metrics/drift.csv",
        "metrics/against_best.csv",
        "plots/drift.svg",
        "metrics/ablations/table3.csv",
        "data/halves/inbreast.csv",
        "ablations.yaml",
    ],
)
def test_any_one_artefact_may_be_absent(repository, gone):
    (repository / gone).unlink()
    assert _Page(_text(repository)).open == []


@pytest.mark.parametrize(
    ("path", "content", "problem"),
    [
        ("metrics/segmentation.json", '{"cbis_test": ', "not valid JSON"),
        ("metrics/comparison.csv", "setting,model\nvindr,llm\n", r"column\(s\) metric, value"),
        ("data/prompts/vindr.jsonl", "{}{}\n", "not valid JSON lines"),
        ("data/masks/vindr_mammo.csv", "", "not a table"),
        ("metrics/learning_curve.csv", "line,auc\nextended,0.5\n", r"column\(s\) model, lesions"),
        ("data/halves/inbreast.csv", "repeat,lesion_id\n0,a\n", r"column\(s\) patient_id, split"),
        ("data/lesions/inbreast_flow.json", '{"rows": 9, "excluded: no mass": 2, "mass": 8}', "7 remain"),
    ],
)
def test_a_broken_artefact_is_an_error_that_names_it(repository, path, content, problem):
    (repository / path).write_text(content)
    with pytest.raises(InputError, match=problem) as caught:
        build(repository, load_params(repository / "params.yaml"))
    assert caught.value.where == path


def test_synthetic_is_what_lies_below_the_phantoms_folder(repository):
    assert is_synthetic(load_params(repository / "params.yaml"))
    assert not is_synthetic(_real(repository))


def test_demo_says_so_loudly_and_real_data_do_not(repository):
    for page in build(repository, load_params(repository / "params.yaml")):
        assert "Demo on synthetic data" in page
        assert page.index("Demo on synthetic data") < page.index("<section")
    assert "Demo on synthetic data" not in _text(repository, _real(repository))


def test_pixels_and_ids_of_data_that_may_not_be_passed_on_stay_out(repository):
    demo, real = _text(repository), _text(repository, _real(repository))
    assert demo.count("data:image/png") == 8
    assert real.count("data:image/png") == 2  # CBIS-DDSM alone
    assert "lesion vindr_mammo_test_0" in demo
    assert "lesion vindr_mammo_test_0" not in real
    assert "lesion cbis_ddsm_test_0" in real
    assert real.count("Pixels and id are withheld") == 6


def test_every_file_read_is_under_provenance_with_its_hash(repository):
    text = build(repository, load_params(repository / "params.yaml")).audit
    for path in (
        "metrics/comparison.csv",
        "data/predictions/vindr/llm.csv",
        "params.yaml",
        "settings.yaml",
        "models/scaler/vindr/0.json",
    ):
        assert path in text
        assert hashlib.sha256((repository / path).read_bytes()).hexdigest()[:16] in text


def test_sections_come_in_the_order_that_one_reads_them(repository):
    pages = build(repository, load_params(repository / "params.yaml"))
    for text, sections in zip(pages, (RESULTS, AUDIT), strict=True):
        page = _Page(text)
        assert page.ids == list(sections)
        assert [link[1:] for link in page.links[: len(sections)]] == list(sections)
    assert next(iter(RESULTS)) == "verdict"
    assert {"limits", "validation", "clear", "metrics", "provenance", "parameters"} <= AUDIT.keys()


def test_the_stage_writes_both_pages(repository):
    stage = Path(__file__).parents[3] / "stages/report.py"
    done = subprocess.run([sys.executable, str(stage)], cwd=repository, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    written = {path.name: path.read_text(encoding="utf-8") for path in (repository / "reports").iterdir()}
    results, audit = build(repository, load_params(repository / "params.yaml"))
    assert written == {"index.html": results, "audit.html": audit}


def test_nothing_scrolls_by_itself(repository):
    assert "smooth" not in _text(repository)


def test_a_page_without_the_second_site_still_says_what_is_missing(repository):
    rows = pd.read_csv(repository / "metrics/comparison.csv")
    rows[rows["setting"] == "vindr"].to_csv(repository / "metrics/comparison.csv", index=False)
    text = _text(repository)
    assert _Page(text).open == []
    assert "Table 2: extended or transferred" not in text
    assert "No external test in this run" in text
    assert "Not evaluated in this run: inbreast_adapted, inbreast_extended" in text


def test_a_language_model_that_was_left_out_is_said_to_be(repository):
    params = load_params(repository / "params.yaml")
    left_out = replace(
        params,
        llm=replace(params.llm, tuning="none"),
        evaluation=replace(params.evaluation, reference="named"),
    )
    said = "the language model was left out of this run"
    assert said not in "".join(build(repository, params))
    page = "".join(build(repository, left_out))
    for what in ("The table of shares", "The learning curve"):
        assert f"{what} is not there: {said}" in page
    assert "The language model was left out of this run (llm.tuning: none). Nothing here says" in page
    untrained = build(repository, replace(params, llm=replace(params.llm, readout="closing")))
    assert "SmolLM2-135M, its states at closing tokens read as they are, nothing trained" in untrained.audit


def test_labels_by_pathology_are_not_called_a_readers(repository):
    params = _real(repository)
    settings = repository / "settings.yaml"
    assert "not histology" in build(repository, params).audit
    settings.write_text(settings.read_text().replace("vindr_mammo/", "cbis_ddsm/").replace("inbreast/", "cbis_ddsm/"))
    text = settings.read_text().replace("measured: [vindr_mammo, inbreast]", "measured: [cbis_ddsm]")
    settings.write_text(text.replace("halved: [inbreast]", "halved: []"))
    page = "".join(build(repository, params))
    assert "Labels of CBIS-DDSM are pathology." in page
    assert "readers&#39; BI-RADS categories" not in page
    assert "No patient is in two splits of a data set.</p>" in page
    assert "The checklists below are answered for the paper" not in page  # its settings still name the paper's tables

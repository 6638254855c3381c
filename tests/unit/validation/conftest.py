"""A study in miniature: every artefact that the suites read, consistent and clean."""

import importlib.util
import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import DigitalMammographyXRayImageStorageForPresentation, ExplicitVRLittleEndian

from radprompt.core.outputs import write_csv, write_json, write_jsonl
from radprompt.core.params import load_params
from radprompt.mammograms.datasets.cbis_ddsm import TABLES
from radprompt.mammograms.datasets.splits import summary
from radprompt.mammograms.imaging.contours import box_of, write_mask
from radprompt.mammograms.radiomics.extraction import extract
from radprompt.tables.cohort import of_setting, write_cohort
from radprompt.tables.feature_names import FEATURES, readable
from radprompt.tables.lesions import Lesion, to_table

ROOT = Path(__file__).parents[3]
SHAPE = (96, 80)
SPLITS = {"cbis_ddsm": ("train", "test"), "vindr_mammo": ("train", "val", "test"), "inbreast": ("adapt", "test")}
SELECTED = ("shape_Sphericity", "firstorder_Maximum")


def write_dicom(path, pixels):
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = DigitalMammographyXRayImageStorageForPresentation
    meta.MediaStorageSOPInstanceUID = "1.2.3"
    dataset = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated = dataset.BitsStored = 16
    dataset.HighBit, dataset.PixelRepresentation = 15, 0
    dataset.PixelData = pixels.tobytes()
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset.save_as(path)


def picture(number):
    noise = np.random.default_rng(number).integers(0, 2000, SHAPE)
    return (noise + np.linspace(0, 2000, SHAPE[0])[:, None]).astype(np.uint16)


def blob(number):
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]]
    return ((rows - 45) / (10 + number % 5)) ** 2 + ((columns - 40) / (9 + number % 7)) ** 2 <= 1


def _write_dataset(root, dataset):
    """Write images, contours, lesion table and flow of two patients a split, a lesion of either class each."""
    lesions = []
    for split in SPLITS[dataset]:
        for number in range(4):
            name, order = f"{dataset}_{split}_{number}", len(lesions)
            image = f"data/phantom/raw/{dataset}/{name}.dcm"
            write_dicom(root / image, picture(order))
            contour = "" if dataset == "vindr_mammo" else f"data/lesions/{dataset}_masks/{name}.png"
            drawn = [root / f"data/masks/{dataset}/{name}.png"] * (dataset != "cbis_ddsm" or split == "test")
            for path in drawn + [root / contour] * bool(contour):
                write_mask(path, blob(order))
            birads, label, spacing = "35"[number % 2], number % 2, float("nan") if dataset == "cbis_ddsm" else 0.1
            lesions.append(
                Lesion(
                    *(name, f"patient_{dataset}_{split}_{number // 2}", "study", dataset, image, "CC", "L", birads),
                    *(label, split, *box_of(blob(order)), contour, spacing),
                    "unknown" if dataset == "cbis_ddsm" else "PixelSpacing",
                )
            )
    table = to_table(lesions)
    write_csv(root / f"data/lesions/{dataset}.csv", table)
    flow = {"rows": len(lesions), "lesions": len(lesions), "splits": summary(lesions)}
    write_json(root / f"data/lesions/{dataset}_flow.json", flow)
    _write_source(root / "data/phantom/raw" / dataset, table)
    names = [path.stem for path in sorted((root / f"data/masks/{dataset}").glob("*.png"))]
    areas = [int(blob([lesion.lesion_id for lesion in lesions].index(name)).sum()) for name in names]
    masks = pd.DataFrame({"lesion_id": names, "source": "nnunet", "flag": "", "area_px": areas})
    masks = masks.assign(certainty=0.9, parts=1, outside=0, contour="0", unusable="")  # as stages/masks.py writes them
    write_csv(root / f"data/masks/{dataset}.csv", masks)
    if dataset == "cbis_ddsm":
        return
    radiomics = load_params(ROOT / "params.yaml").radiomics
    rows = [
        {"lesion_id": lesion.lesion_id}
        | extract(picture(order) / np.float32(4000), blob(order), lesion.spacing_mm, radiomics)
        for order, lesion in enumerate(lesions)
    ]
    write_csv(root / f"data/features/{dataset}.csv", pd.DataFrame(rows, columns=["lesion_id", *FEATURES]))
    empty = pd.DataFrame(columns=["source", "row", "record", "reason"])
    write_csv(root / f"data/features/{dataset}_exclusions.csv", empty)


def _write_source(folder, table):
    """Write the data set's own table as far as it gives official splits; train and val are its training split."""
    official = table.assign(split=table["split"].replace({"val": "train"}))
    if folder.name == "cbis_ddsm":
        for split, name in TABLES.items():
            write_csv(folder / name, official.loc[official["split"] == split, ["patient_id"]])
    if folder.name == "vindr_mammo":
        rows = official.assign(study_id=official["patient_id"], split=official["split"].replace({"train": "training"}))
        write_csv(folder / "finding_annotations.csv", rows[["study_id", "split"]])


def _write_setting(root, setting, rows):
    """Write prompts, predictions and what was learnt from, of a cohort."""
    params = load_params(ROOT / "params.yaml")
    sentences = " ".join(f"The '{readable(key)}' feature is measured at -0.25 ." for key in SELECTED)
    write_cohort(root / f"data/cohorts/{setting}.csv", rows)
    rows = of_setting(rows)
    prompts = rows[["repeat", "lesion_id", "split"]].assign(
        prompt=f"{params.prompt.instruction} {sentences}", label=rows["label"]
    )
    write_jsonl(root / f"data/prompts/{setting}.jsonl", prompts.to_dict("records"))
    scored = rows[rows["split"] != "train"].assign(setting=setting, seed=2025, probability=0.25)
    columns = ["lesion_id", "patient_id", "setting", "repeat", "model", "seed", "split", "label", "probability"]
    write_csv(root / f"data/predictions/{setting}/llm.csv", scored.assign(model="llm")[columns])
    write_csv(root / f"data/predictions/{setting}/baselines.csv", scored.assign(model="svm")[columns])
    for repeat, own in rows.groupby("repeat"):
        seen = {split: own.loc[own["split"] == split, "lesion_id"].tolist() for split in ("train", "val")}
        write_json(root / f"models/language_model/{setting}/repeat_{repeat}_seed_2025/lesions.json", seen)
        names = [readable(key) for key in SELECTED]
        record = {"features": list(SELECTED), "names": names, "method": "mrmr", "scheme": "MIQ", "bins": 5}
        write_json(root / f"models/selection/{setting}/{repeat}.json", record | {"fitted_on": seen["train"]})


def _write_backbone(folder):
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import WhitespaceSplit

    folder.mkdir(parents=True)
    tokenizer = Tokenizer(WordLevel({"?": 0}, unk_token="?"))
    tokenizer.pre_tokenizer = WhitespaceSplit()
    tokenizer.save(str(folder / "tokenizer.json"))
    write_json(folder / "config.json", {"max_position_embeddings": 30})
    write_json(folder / "source.json", {"source": "smollm2", "revision": None})


@pytest.fixture(scope="session")
def pristine(tmp_path_factory):
    """The clean study, written once."""
    root = tmp_path_factory.mktemp("study")
    for name in ("params.yaml", "settings.yaml"):
        shutil.copy(ROOT / name, root)
    for dataset in SPLITS:
        _write_dataset(root, dataset)
    _write_backbone(root / "models/backbone")
    read = {name: pd.read_csv(root / f"data/lesions/{name}.csv") for name in ("vindr_mammo", "inbreast")}
    vindr = read["vindr_mammo"].assign(repeat=0)
    parts = []
    for repeat, adapting in enumerate(("adapt", "test")):
        part = read["inbreast"]
        own = part["split"] == adapting
        role = part["patient_id"].str[-1].map({"0": "train", "1": "val"}).where(own, "test")
        parts.append(part.assign(repeat=repeat, split=role))
    halves = pd.concat(parts, ignore_index=True)
    write_csv(root / "data/halves/inbreast.csv", halves[["repeat", "lesion_id", "patient_id", "split"]])
    _write_setting(root, "vindr", vindr)
    learnt = pd.concat([vindr[vindr["split"] != "test"].assign(repeat=repeat) for repeat in (0, 1)])
    _write_setting(root, "inbreast_unadapted", pd.concat([learnt, halves[halves["split"] == "test"]]))
    started = vindr[vindr["split"] != "test"].replace({"split": {"train": "start", "val": "start_val"}})
    for setting in ("inbreast_adapted", "inbreast_extended"):
        _write_setting(root, setting, pd.concat([halves, started]))
    _write_setting(root, "inbreast_scratch", halves)
    return root


@pytest.fixture
def study(pristine, tmp_path, monkeypatch):
    """A copy of the clean study to spoil, which is the working directory."""
    root = tmp_path / "study"
    shutil.copytree(pristine, root)
    monkeypatch.chdir(root)
    return root


@pytest.fixture
def check():
    """Run a script of ``stages/`` here, by its name and arguments."""

    def check(name, *arguments):
        spec = importlib.util.spec_from_file_location(f"stage_{name}", ROOT / "stages" / f"{name}.py")
        stage = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(stage)
        stage.main(*arguments)

    return check


@pytest.fixture
def counted():
    """Read a stage's counts."""

    def counted(what):
        return json.loads(Path(f"metrics/validation/{what}.json").read_text())

    return counted

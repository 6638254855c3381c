"""A small repository with artefacts of every kind, as the stages write them."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from radprompt.evaluation.model_comparison import COLUMNS
from radprompt.imaging.contours import inscribed_ellipse, write_mask
from radprompt.lesions import Exclusion, Lesion, to_table, write_exclusions
from radprompt.outputs import write_csv, write_json, write_jsonl

ROOT = Path(__file__).parents[3]
SHAPE = (64, 48)
SPLITS = {"cbis_ddsm": ("train", "test"), "vindr_mammo": ("train", "val", "test"), "inbreast": ("adapt", "test")}


def _write_dicom(path, seed):
    pixels = np.random.default_rng(seed).integers(0, 4095, SHAPE).astype(np.uint16)
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.1.2"
    meta.MediaStorageSOPInstanceUID = "1.2.3"
    dataset = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    dataset.Rows, dataset.Columns = SHAPE
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 12, 11, 0
    dataset.PixelData = pixels.tobytes()
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset.save_as(path)


def _lesions(root, dataset):
    lesions = []
    for split in SPLITS[dataset]:
        for number in range(4):
            name = f"{dataset}_{split}_{number}"
            image = f"data/phantom/raw/{dataset}/{name}.dcm"
            _write_dicom(root / image, number)
            lesions.append(
                Lesion(
                    *(name, f"patient_{split}_{number // 2}", "study", dataset, image, "CC", "L", "345"[number % 3]),
                    *(number % 2, split, 10, 12, 30, 40, "", 0.1 if dataset == "inbreast" else float("nan"), "unknown"),
                )
            )
    return lesions


def comparison(values, *, lesions=20, setting="vindr"):
    """Return AUC rows; ``values`` maps a model to (value, low, high, difference_low, difference_high)."""
    rows = [
        {
            **{"setting": setting, "model": model, "metric": "auc", "value": value, "low": low, "high": high},
            **{"seeds": 1, "lesions": lesions, "patients": 9, "malignant": 8, "reference": "llm"},
            **{"difference": values["llm"][0] - value if below == below else np.nan},  # NaN for the reference itself
            **{"difference_low": below, "difference_high": above, "p_clustered_holm": 0.01 if below > 0 else 0.5},
        }
        for model, (value, low, high, below, above) in values.items()
    ]
    return pd.DataFrame(rows).reindex(columns=COLUMNS)


@pytest.fixture
def repository(tmp_path):
    """Everything that a whole run leaves and the report reads, in miniature."""
    root = tmp_path / "repository"
    root.mkdir()
    shutil.copy(ROOT / "params.yaml", root / "params.yaml")
    for dataset in SPLITS:
        lesions = _lesions(root, dataset)
        table = to_table(lesions)
        write_csv(root / f"data/lesions/{dataset}.csv", table)
        excluded = [Exclusion("table.csv", 3, "x", "image missing: x.dcm"), Exclusion("a/1.xml", 1, "y", "no <mass>")]
        write_exclusions(root / f"data/lesions/{dataset}_exclusions.csv", excluded)
        counts = {"rows": len(lesions) + 2, "excluded: no mass": 1, "mass": len(lesions) + 1}
        write_json(
            root / f"data/lesions/{dataset}_flow.json",
            {**counts, "excluded: image missing": 1, "lesions": len(lesions), "splits": {}},
        )
        for lesion in lesions:
            write_mask(root / f"data/masks/{dataset}/{lesion.lesion_id}.png", inscribed_ellipse(lesion.box, SHAPE))
        write_csv(root / f"data/masks/{dataset}.csv", table[["lesion_id"]].assign(source="nnunet", flag="", area_px=9))
    ids = [f"vindr_mammo_test_{n}" for n in range(4)]
    rows = [{"lesion_id": i, "split": "test", "prompt": f"Classify {i} <b>.", "label": 0} for n, i in enumerate(ids)]
    write_jsonl(root / "data/prompts/vindr.jsonl", rows)
    predictions = pd.DataFrame({"lesion_id": ids, "label": [0, 1, 0, 1], "probability": [0.1, 0.9, 0.8, 0.2]})
    predictions = predictions.assign(patient_id="p", setting="vindr", model="llm", seed=2025, split="test")
    write_csv(root / "data/predictions/vindr/llm.csv", predictions)
    nan = np.nan
    values = {
        "llm": (0.7, 0.6, 0.8, nan, nan),
        "svm": (0.8, 0.7, 0.9, -0.2, 0.05),
        "majority": (0.5, 0.5, 0.5, 0.1, 0.3),
    }
    write_csv(root / "metrics/comparison.csv", comparison(values))
    gap = {"dice": 0.02, "dice_low": 0.01, "dice_high": 0.03}
    rivals = {name: {"dice": 0.9, "dice_median": 0.91, "hd95_px": 3.0} for name in ("nnunet", "ellipse")}
    scores = {"lesions": 4, "fallbacks": 1, "reviewed": 0, **rivals, "difference": gap}
    write_json(root / "metrics/segmentation.json", {"cbis_test": scores})
    selection = {"features": ["shape_Sphericity"], "names": ["Sphericity"], "scheme": "MIQ", "bins": 5}
    write_json(root / "models/vindr/selection.json", {**selection, "fitted_on": ["a", "b"]})
    scaler = {"features": ["shape_Sphericity"], "mean": [0.8951], "sd": [0.03], "fitted_on": ["a", "b"]}
    write_json(root / "models/vindr/scaler.json", scaler)
    shares = pd.DataFrame({"feature": ["shape_Sphericity", "shape_Perimeter"], "name": ["", ""], "share": [0.5, 0.25]})
    write_csv(root / "metrics/selection_stability_vindr.csv", shares)
    curves = root / "plots/training/vindr/plots/metrics"
    curves.mkdir(parents=True)
    for name, start in (("train_loss", 0.7), ("val_loss", 0.7), ("val_auc", 0.5)):
        (curves / f"{name}.tsv").write_text(f"step\t{name}\n1\t{start}\n2\t0.625\n")
    (root / "models/vindr/language_model").mkdir()
    (root / "models/vindr/language_model/classifier.json").write_text(json.dumps({"best_epoch": 2, "history": []}))
    write_csv(root / "plots/segmenter_training.csv", pd.DataFrame({"epoch": [1, 2], "train_loss": [0.2, 0.1]}))
    (root / "plots/evaluation").mkdir()
    (root / "plots/evaluation/vindr_roc.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"/>')
    return root


@pytest.fixture
def make_comparison():
    """Give tests the builder of comparison tables."""
    return comparison

"""A small repository with artefacts of every kind, as the stages write them."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from radprompt.core.outputs import write_csv, write_json, write_jsonl
from radprompt.evaluation.against_best import COLUMNS as AGAINST_BEST
from radprompt.evaluation.model_comparison import COLUMNS
from radprompt.mammograms.imaging.contours import inscribed_ellipse, write_mask
from radprompt.study.settings import load_settings
from radprompt.tables.lesions import Exclusion, Lesion, to_table, write_exclusions

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


def comparison(values, *, lesions=20, setting="vindr", repeats=1):
    """Return AUC rows; ``values`` maps a model to (value, low, high, difference_low, difference_high)."""
    test = "p_clustered_holm" if repeats == 1 else "p_resampled_holm"
    rows = [
        {
            **{"setting": setting, "model": model, "metric": "auc", "value": value, "low": low, "high": high},
            **{"repeats": repeats, "repeat_sd": 0.034 if repeats > 1 else np.nan, "seeds": 1},
            **{"lesions": lesions, "patients": 9, "malignant": 8, "reference": "llm"},
            # Not a number for the reference itself.
            **{"difference": values["llm"][0] - value if below == below else np.nan},
            **{"paired_repeats": repeats if below == below else np.nan},
            **{"difference_low": below, "difference_high": above, test: 0.01 if below > 0 else 0.5},
        }
        for model, (value, low, high, below, above) in values.items()
    ]
    return pd.DataFrame(rows).reindex(columns=COLUMNS)


NAN = np.nan
VALUES = {
    "llm": (0.7, 0.6, 0.8, NAN, NAN),
    "named": (0.75, 0.65, 0.85, -0.15, 0.05),
    "svm": (0.8, 0.7, 0.9, -0.2, 0.05),
    "transtab": (0.65, 0.6, 0.75, -0.1, 0.2),
    "majority": (0.5, 0.5, 0.5, 0.1, 0.3),
}


def against_best(setting, values, repeats=3):
    """Return rows of the table against the best baseline, SVM; ``values`` maps a role to value, low, high, difference,
    its low and high, of which the baseline has the first three.
    """
    rows = [
        dict(zip(("value", "low", "high", "difference", "difference_low", "difference_high"), own, strict=False))
        | {"setting": setting, "role": role, "model": "svm" if role == "best" else role, "repeats": repeats}
        | {"lesions": 20, "patients": 9, "malignant": 8}
        for role, own in values.items()
    ]
    return pd.DataFrame(rows).reindex(columns=AGAINST_BEST)


def _write_halves(root):
    """Write two halves of INbreast: the lesion table's own, and the same with adapting and testing swapped."""
    table = pd.read_csv(root / "data/lesions/inbreast.csv", dtype=str)[["lesion_id", "patient_id", "split"]]
    parts = []
    for repeat, adapting in enumerate(("adapt", "test")):
        part = table["patient_id"].str[-1].map({"0": "train", "1": "val"}).where(table["split"] == adapting, "test")
        parts.append(table.assign(repeat=repeat, split=part))
    write_csv(root / "data/halves/inbreast.csv", pd.concat(parts)[["repeat", "lesion_id", "patient_id", "split"]])


def _write_selections(root):
    """Write selections: one feature in VinDr; in INbreast's halves the same, and in the second another besides."""
    known = {"shape_Sphericity": "Sphericity", "shape_Perimeter": "Perimeter"}
    chosen = {
        "vindr": [["shape_Sphericity"]],
        **{key: [["shape_Sphericity"], [*known]] for key in ("inbreast_extended", "inbreast_scratch")},
    }
    for setting, repeats in chosen.items():
        for repeat, features in enumerate(repeats):
            names = {"features": features, "names": [known[key] for key in features], "method": "mrmr"}
            record = {**names, "scheme": "MIQ", "bins": 5, "fitted_on": ["a", "b"]}
            write_json(root / f"models/selection/{setting}/{repeat}.json", record)
    scaler = {"features": ["shape_Sphericity"], "mean": [0.8951], "sd": [0.03], "fitted_on": ["a", "b"]}
    write_json(root / "models/scaler/vindr/0.json", scaler)
    shares = pd.DataFrame({"feature": [*known], "name": [*known.values()], "share": [0.5, 0.25]})
    write_csv(root / "metrics/selection_stability_vindr.csv", shares)


def _write_training(root):
    """Write what three trainings on VinDr leave."""
    curves = root / "plots/training/vindr/plots/metrics"
    curves.mkdir(parents=True)
    for name, start in (("train_loss", 0.7), ("val_loss", 0.7), ("val_auc", 0.5)):
        (curves / f"{name}.tsv").write_text(f"step\t{name}\n1\t{start}\n2\t0.625\n")
    record = root / "models/language_model/vindr/repeat_0_seed_2025/classifier.json"
    write_json(record, {"best_epoch": 2, "history": []})
    scores = {"runs": 3, "val_auc": 0.6875, "val_loss": 0.5, "val_auc_sd": 0.125}
    write_json(root / "metrics/training/vindr.json", {"vindr": scores})


def _write_later_parts(root):
    """Write learning curves, the named model, ablations and explanations."""
    _write_named(root)
    lines = {"extended": "llm", "scratch": "llm", "svm": "svm"}
    points = [
        {"line": line, "model": model, "lesions": lesions + whole * repeat, "all": whole, "repeat": repeat, "auc": auc}
        for line, model in lines.items()
        for repeat in (0, 1)
        for lesions, whole, auc in ((0, False, 0.5), (10, False, 0.6 + 0.1 * repeat), (40, True, 0.75))
    ]
    write_csv(root / "metrics/learning_curve.csv", pd.DataFrame(points))
    (root / "plots/learning_curve.svg").write_text(SVG)
    shares = {"lesions": 4, "mean_share": -0.1, "mean_absolute_share": 0.4, "correlation": -0.9}
    pushes = {"feature": "shape_Sphericity", "name": "Sphericity", "pushes": "benign when high"}
    write_csv(root / "metrics/explanations.csv", pd.DataFrame([shares | pushes]))
    (root / "plots/explanations").mkdir()
    (root / "plots/explanations/cohort.svg").write_text(SVG)
    write_csv(root / "metrics/drift.csv", _drift())
    (root / "plots/drift.svg").write_text(SVG)
    shutil.copy(ROOT / "ablations.yaml", root / "ablations.yaml")
    row = {"table": "table3", "row": "rank-4", "params": "llm.lora.rank=4", "setting": "vindr", "model": "llm"}
    row |= {"auc": 0.6875, "auc_low": 0.5, "auc_high": 0.75, "paper_auc": 0.67, "minutes": 3.5}
    write_csv(root / "metrics/ablations/table3.csv", pd.DataFrame([row]))


def _write_named(root):
    """Write what the named model leaves: in VinDr names of no use, in the continued setting names that tell."""
    record = {"names_draws": 200, "log_evidence": -101.82, "scaling": "zscore"}
    nothing, much = ({"names_p": p, "names_gain": g, "scale_alike": a} for p, g, a in ((1, 0, 0), (0.004975, 3.5, 0.5)))
    for setting, found in (("vindr", nothing), ("inbreast_extended", much)):
        models = {"named": record | found, "named_all": record | nothing | {"scaling": "normal"}}
        write_json(root / f"metrics/named/{setting}.json", {setting: models})
    columns = ["name", "site", "mean", "sd", "low", "high", "own", "leans_on", "model"]
    alone = ("Sphericity", "site 1", -0.588526, 0.21, -0.94, -0.24, 1.0, "", "named")
    rows = {
        "vindr": [alone, ("Perimeter", "site 1", 0.1, 0.21, -0.24, 0.44, 1.0, "", "named_all")],
        "inbreast_extended": [
            ("Sphericity", "first", -0.5, 0.2, -0.8, -0.2, 0.75, "Perimeter", "named"),
            ("Perimeter", "first", 0.25, 0.2, -0.1, 0.6, 0.75, "Sphericity", "named"),
            ("Sphericity", "second", -0.2, 0.2, -0.5, 0.1, 0.5, "Perimeter", "named"),
        ],
    }
    for setting, own in rows.items():
        write_csv(root / f"metrics/named/{setting}_coefficients.csv", pd.DataFrame(own, columns=columns))
        (root / "plots/named").mkdir(parents=True, exist_ok=True)
        (root / f"plots/named/{setting}.svg").write_text(SVG)
    write_json(root / "models/names/directions.json", {})
    lines = {"named": "named", "named_restarted": "named", "pooled_logistic": "pooled_logistic"}
    points = [
        {"line": line, "model": model, "lesions": lesions, "all": lesions == 40, "repeat": repeat, "auc": 0.5 + bonus}
        for line, model in lines.items()
        for repeat in (0, 1)
        for lesions, bonus in ((0, 0.2), (10, 0.25 if line == "named" else 0.1), (40, 0.3))
        if lesions or line == "named"
    ]
    write_csv(root / "metrics/named_curve.csv", pd.DataFrame(points))
    (root / "plots/named_curve.svg").write_text(SVG)


def _drift():
    """Return a comparison of sites: ten features ever less apart, the first five of them shifted, the last selected."""
    rows = [
        {
            **{"feature": f"shape_{n}", "name": f"Feature {n}", "reference_mean": -2.5, "reference_sd": 1},
            **{
                "other_mean": 2,
                "other_sd": 1.5,
                "difference": 1 - 0.1 * n,
                "ks": 0.4,
                "p": 0.0001,
                "p_holm": 0.0002 * (n + 1),
            },
            **{"shifted": "yes" if n < 5 else "no", "selected": "yes" if n in (0, 9) else "no"},
        }
        for n in range(10)
    ]
    return pd.DataFrame(rows)


SVG = '<svg xmlns="http://www.w3.org/2000/svg"/>'


@pytest.fixture
def repository(tmp_path):
    """Everything that a whole run leaves and the report reads, in miniature."""
    root = tmp_path / "repository"
    root.mkdir()
    for name in ("params.yaml", "settings.yaml"):
        shutil.copy(ROOT / name, root / name)
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
    _write_halves(root)
    ids = [f"vindr_mammo_test_{n}" for n in range(4)]
    rows = [{"repeat": 0, "lesion_id": i, "split": "test", "prompt": f"Classify {i} <b>.", "label": 0} for i in ids]
    write_jsonl(root / "data/prompts/vindr.jsonl", rows)
    predictions = pd.DataFrame({"lesion_id": ids, "label": [0, 1, 0, 1], "probability": [0.1, 0.9, 0.8, 0.2]})
    predictions = predictions.assign(patient_id="p", setting="vindr", repeat=0, model="llm", seed=2025, split="test")
    write_csv(root / "data/predictions/vindr/llm.csv", predictions)
    settings = load_settings(root / "settings.yaml")
    parts = [comparison(VALUES, setting=name, repeats=3 if own.repeated else 1) for name, own in settings.items()]
    write_csv(root / "metrics/comparison.csv", pd.concat(parts))
    gap = {"dice": 0.02, "dice_low": 0.01, "dice_high": 0.03}
    rivals = {name: {"dice": 0.9, "dice_median": 0.91, "hd95_px": 3.0} for name in ("nnunet", "ellipse")}
    scores = {"lesions": 4, "fallbacks": 1, "reviewed": 0, **rivals, "difference": gap}
    write_json(root / "metrics/segmentation.json", {"cbis_test": scores})
    roles = {"named": (0.75, 0.65, 0.85, -0.05, -0.15, 0.05), "llm": (0.7, 0.6, 0.8, -0.1, -0.2, -0.01)}
    roles |= {"best": (0.8, 0.7, 0.9)}
    write_csv(root / "metrics/against_best.csv", pd.concat([against_best(name, roles) for name in settings]))
    _write_selections(root)
    _write_training(root)
    write_csv(root / "plots/segmenter_training.csv", pd.DataFrame({"epoch": [1, 2], "train_loss": [0.2, 0.1]}))
    for setting in settings:
        (root / f"plots/evaluation/{setting}").mkdir(parents=True)
        (root / f"plots/evaluation/{setting}/roc.svg").write_text(SVG)
    _write_later_parts(root)
    return root


@pytest.fixture
def settings():
    """The repository's protocols."""
    return load_settings(ROOT / "settings.yaml")


@pytest.fixture
def against():
    """Give tests the builder of tables against the best baseline."""
    return against_best


@pytest.fixture
def make_comparison():
    """Give tests the builder of comparison tables."""
    return comparison

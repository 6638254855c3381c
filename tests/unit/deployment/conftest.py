"""A repository in miniature that real stages have run in: nnU-Net, PyRadiomics, mRMR and a LLaMA, all of them tiny."""

import contextlib
import importlib.util
import shutil
import string
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian
from ruamel.yaml import YAML
from serve_cases import Served, serving
from tokenizers import Regex, Tokenizer, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from radprompt.core.outputs import write_csv, write_json
from radprompt.core.params import load_params
from radprompt.export.commands import open_predictor
from radprompt.export.export import export_model
from radprompt.mammograms.segmentation.nnunet import train
from radprompt.mammograms.segmentation.regions import Case
from radprompt.tables.lesions import Lesion, to_table

ROOT = Path(__file__).parents[3]
SHAPE = (120, 96)
SPACING = 0.3
SPLITS = ["train"] * 12 + ["val"] * 4 + ["test"] * 4
STAGES = [
    ("masks", "vindr_mammo"),
    ("features", "vindr_mammo"),
    ("cohorts",),
    ("standardise",),
    ("select_features",),
    ("prompts",),
    ("language_model", "vindr"),
    ("names",),
    ("named", "vindr"),
]


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Everything that exporting the setting ``vindr`` reads."""
    root = tmp_path_factory.mktemp("repository")
    with contextlib.chdir(root):
        _write_params()
        _write_lesions()
        _write_backbone(Path("models/backbone"))
        train(_toy_cases(), load_params().segmentation, seed=1, device="cpu")[0].save("models/segmenter")
        for name, *arguments in STAGES:
            _stage(name).main(*arguments)
        metrics = {"value": 0.625, "low": 0.5, "high": 0.75, "repeats": 1, "lesions": 4, "patients": 4, "malignant": 2}
        rows = [
            {"setting": "vindr", "model": model, "metric": metric, **metrics}
            for model in ("llm", "svm")
            for metric in ("auc", "sensitivity")
        ]
        write_csv("metrics/comparison.csv", pd.DataFrame(rows))
    return root


@pytest.fixture(scope="session")
def exported(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model of that repository, elsewhere; tests read it only."""
    folder = tmp_path_factory.mktemp("elsewhere") / "model"
    with contextlib.chdir(repository):
        export_model(folder, "vindr", 0)
    return folder


@pytest.fixture(scope="session")
def served(exported: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """``radprompt serve`` of that model."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")  # as the tests themselves compute
        with serving(exported, tmp_path_factory.mktemp("served") / "images") as running:
            running.model.wait()
            yield running


@pytest.fixture
def own_export(exported: Path, tmp_path: Path) -> Path:
    """A copy of the exported model that a test may spoil."""
    return Path(shutil.copytree(exported, tmp_path / "model"))


@pytest.fixture
def own_repository(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the repository that a test may spoil, as working directory."""
    root = Path(shutil.copytree(repository, tmp_path / "repository"))
    monkeypatch.chdir(root)
    return root


@pytest.fixture
def write_dicom() -> Callable[..., None]:
    """Write a DICOM file of 16-bit pixels, with or without a spacing in mm."""
    return _write_dicom


def _stage(name: str):
    spec = importlib.util.spec_from_file_location(f"stage_{name}", ROOT / "stages" / f"{name}.py")
    stage = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(stage)
    return stage


def _write_params() -> None:
    yaml = YAML(typ="safe")
    content = yaml.load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    content["compute"]["workers"] = 1
    content["segmentation"].update(roi_size=32, epochs=1, iterations=1, validation_iterations=1)
    content["features"]["count"] = 3
    content["llm"].update(epochs=1, batch_size=4, precision="fp32", device="cpu", patience=None)
    content["llm"]["lora"].update(rank=2, layers=1)
    with open("params.yaml", "w", encoding="utf-8") as file:
        yaml.dump(content, file)
    settings = yaml.load((ROOT / "settings.yaml").read_text(encoding="utf-8"))
    one = {"settings": {"vindr": settings["settings"]["vindr"]}, "halved": [], "explained": ["vindr"]}
    with open("settings.yaml", "w", encoding="utf-8") as file:
        yaml.dump(one | {"data_sets": settings["data_sets"]}, file)


def _write_lesions() -> None:
    generator = np.random.default_rng(3)
    lesions = []
    for number, split in enumerate(SPLITS):
        label = number % 2
        name, image = f"image{number:02d}_1", f"data/phantom/raw/vindr_mammo/image{number:02d}.dcm"
        row, column, height, width = 50 + number, 40, 9 + number % 5, 8 + 2 * label
        y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
        inside = ((y - row) / height) ** 2 + ((x - column) / width) ** 2 <= 1
        pixels = 400 + 900 * inside + 40 * y + generator.normal(0, 60 + 80 * label, SHAPE)
        _write_dicom(Path(image), pixels.clip(0, 65535).astype(np.uint16))
        box = (column - width - 1, row - height - 1, column + width + 2, row + height + 2)
        details = ("vindr_mammo", image, "CC", "L", "3", label, split)
        lesions.append(
            Lesion(name, f"patient{number}", f"patient{number}", *details, *box, "", SPACING, "PixelSpacing")
        )
    write_csv("data/lesions/vindr_mammo.csv", to_table(lesions))


def _write_dicom(path: Path, pixels: np.ndarray, spacing: float | None = SPACING, **attributes: object) -> None:
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.1.2"
    meta.MediaStorageSOPInstanceUID = "1.2.3"
    dataset = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 16, 15, 0
    if spacing is not None:
        dataset.PixelSpacing = [spacing, spacing]
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    dataset.PixelData = pixels.tobytes()
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset.save_as(path)


def _write_backbone(folder: Path) -> None:
    """Write a LLaMA of random weights and a tokenizer of single characters, as if it were the packaged one."""
    vocabulary = {"<pad>": 0, "<unk>": 1} | {c: i + 2 for i, c in enumerate(string.printable)}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex("."), "isolated")
    config = LlamaConfig(
        vocab_size=128,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=1024,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=1,
        initializer_range=0.2,
    )
    torch.manual_seed(0)
    LlamaForCausalLM(config).save_pretrained(folder)
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<pad>", unk_token="<unk>").save_pretrained(folder)
    shape = {"model_type": "llama", "layers": 2, "hidden_size": 32}
    write_json(folder / "source.json", {"source": "smollm2", "revision": None, "config": shape})


def _toy_cases() -> list[Case]:
    generator = np.random.default_rng(0)
    y, x = np.mgrid[:32, :32]
    mask = (y - 15.5) ** 2 + (x - 15.5) ** 2 <= 49
    box = (abs(y - 15.5) <= 7) & (abs(x - 15.5) <= 7)
    images = [(0.3 + 0.4 * mask + generator.normal(0, 0.05, mask.shape)).astype(np.float32) for _ in range(4)]
    return [Case(f"toy {number}", f"toy {number}", image, box, mask) for number, image in enumerate(images)]


@pytest.fixture(scope="module")
def predictor(exported):
    """The exported model, open; shares as it was exported."""
    return open_predictor(exported, "model", None, "cpu")


@pytest.fixture(scope="module")
def lesions(repository):
    """The test lesions of VinDr-Mammo, by id."""
    table = pd.read_csv(repository / "data/lesions/vindr_mammo.csv").set_index("lesion_id")
    return table[table["split"] == "test"]

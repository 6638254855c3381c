"""Train nnU-Net on regions of interest: raw data set, fingerprint, plan, preprocessing and training in one process.

nnU-Net's command line starts process pools that import everything again; for regions of a few thousand pixels its own
functions are called here directly, in a temporary folder.
"""

import contextlib
import json
import os
import random
import tempfile
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import SimpleITK
import torch
from nnunetv2.experiment_planning.experiment_planners.default_experiment_planner import ExperimentPlanner
from nnunetv2.preprocessing.preprocessors.default_preprocessor import DefaultPreprocessor
from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer
from nnunetv2.utilities.plans_handling.plans_handler import PlansManager
from tqdm import tqdm

from radprompt.core.device import resolve_device
from radprompt.core.errors import InputError
from radprompt.core.outputs import write_json
from radprompt.core.params import Segmentation
from radprompt.mammograms.segmentation.regions import Case
from radprompt.mammograms.segmentation.segmenter import CHANNELS, CONFIGURATION, LABELS, Segmenter, stack

FOLDS = 5
"""nnU-Net's number of folds; the first one is trained, so a fifth of the patients validates."""
NAME = "Dataset001_Mass"
ENDING = ".mha"
SMALL = {"stages": 4, "features": 16, "batch_size": 4}
"""The cut plan for two cores: four stages of 16, 32, 64 and 128 features, batches of four whole regions."""


def train(
    cases: Sequence[Case], options: Segmentation, seed: int, device: str = "auto"
) -> tuple[Segmenter, pd.DataFrame]:
    """Plan and train nnU-Net, fold 0 of a split by patient.

    Parameters
    ----------
    cases
        The training lesions, each with one or several boxes; the order of lesions does not matter.
    options
        The ``segmentation`` section of params.
    seed
        Draws the split, the initial weights and every augmentation: the same seed gives the same weights on one
        machine with one number of threads.
    device
        ``auto``, ``cpu`` or ``cuda``.

    Returns
    -------
    tuple
        The trained network, and one row an epoch: epoch, train_loss, val_loss, val_dice (nnU-Net's pseudo Dice, over
        all pixels of the validation batches). Losses are nnU-Net's: cross-entropy minus soft Dice.

    Raises
    ------
    InputError
        With fewer than two patients.
    """
    cases = sorted(cases, key=lambda case: case.lesion_id)
    fitted, held_out = split_by_patient(cases, seed)
    keys = [f"case_{number:05d}" for number in range(len(cases))]
    with (
        tempfile.TemporaryDirectory(prefix="radprompt-nnunet-") as room,
        _environment(nnUNet_compile="f", nnUNet_wandb_enabled="0", **_folders(room)),
        _reproducible(seed),
        tqdm(total=options.epochs, desc="nnU-Net", unit="epoch", disable=None) as progress,
        open(os.devnull, "w", encoding="utf-8") as silence,
        contextlib.redirect_stdout(silence),
    ):
        dataset = _write_raw(Path(room), cases, keys)
        plans = _plan(Path(room), cases, options)
        split = {
            part: [key for key, case in zip(keys, cases, strict=True) if case.lesion_id in names]
            for part, names in (("train", fitted), ("val", held_out))
        }
        _preprocess(Path(room), plans, dataset, keys, split)
        trainer = _Trainer({**plans, "continue_training": False}, CONFIGURATION, 0, dataset, resolve_device(device))
        trainer.num_epochs = options.epochs
        trainer.num_iterations_per_epoch = options.iterations
        trainer.num_val_iterations_per_epoch = options.validation_iterations
        trainer.disable_checkpointing = True
        trainer.progress = progress
        # No loader processes: several would mix their random draws.
        with _environment(nnUNet_n_proc_DA="0"):
            trainer.run_training()
    curve = pd.DataFrame(
        {
            "epoch": range(1, options.epochs + 1),
            "train_loss": trainer.logger.get_value("train_losses", step=None),
            "val_loss": trainer.logger.get_value("val_losses", step=None),
            "val_dice": trainer.logger.get_value("mean_fg_dice", step=None),
        }
    )
    record = {
        "context": options.context,
        "roi_size": options.roi_size,
        "plan": options.plan,
        "seed": seed,
        "nnunetv2": version("nnunetv2"),
        "train_lesions": fitted,
        "validation_lesions": held_out,
    }
    weights = {name: value.detach() for name, value in trainer.network.named_parameters()}
    return Segmenter(weights, plans, dataset, record, device), curve


def split_by_patient(cases: Sequence[Case], seed: int) -> tuple[list[str], list[str]]:
    """Return the lesion ids that train and those that validate: a fifth of the patients, all their lesions together."""
    patients = sorted({case.patient_id for case in cases})
    if len(patients) < 2:
        raise InputError(
            f"nnU-Net needs training lesions of at least two patients, found {len(patients)}",
            where="split train of the CBIS-DDSM lesion table",
            fix="see its exclusions table for what was dropped",
        )
    drawn = np.random.default_rng(seed).permutation(patients)[: max(1, len(patients) // FOLDS)]
    held_out = sorted({case.lesion_id for case in cases if case.patient_id in drawn})
    return sorted({case.lesion_id for case in cases} - set(held_out)), held_out


class _Trainer(nnUNetTrainer):
    """nnU-Net's trainer without files and clocks."""

    progress: tqdm

    @staticmethod
    def get_training_transforms(*args: Any, **kwargs: Any) -> Any:
        """Take nnU-Net's augmentations, with one algorithm for the blur.

        The original times two convolutions and takes the faster, so rounding would depend on the machine's load.
        """
        pipeline = nnUNetTrainer.get_training_transforms(*args, **kwargs)
        for transform in pipeline.transforms:
            inner = getattr(transform, "transform", transform)
            if hasattr(inner, "benchmark"):
                inner.benchmark = False
        return pipeline

    def on_epoch_end(self) -> None:
        """Count; the original also draws a figure and writes checkpoints into the temporary folder."""
        self.progress.set_postfix_str(f"Dice {self.logger.get_value('mean_fg_dice', step=-1):.3f}")
        self.progress.update()
        self.current_epoch += 1


def _write_raw(room: Path, cases: Sequence[Case], keys: Sequence[str]) -> dict[str, Any]:
    folder = room / "raw" / NAME
    for name in ("imagesTr", "labelsTr"):
        (folder / name).mkdir(parents=True)
    for key, case in zip(keys, cases, strict=True):
        for channel, plane in enumerate(stack(case.image, case.box)):
            SimpleITK.WriteImage(
                SimpleITK.GetImageFromArray(plane), str(folder / "imagesTr" / f"{key}_{channel:04d}{ENDING}")
            )
        label = SimpleITK.GetImageFromArray((case.mask > 0.5).astype(np.uint8)[None])
        SimpleITK.WriteImage(label, str(folder / "labelsTr" / f"{key}{ENDING}"))
    dataset = {
        "channel_names": CHANNELS,
        "labels": LABELS,
        "numTraining": len(cases),
        "file_ending": ENDING,
        "overwrite_image_reader_writer": "SimpleITKIO",
    }
    write_json(folder / "dataset.json", dataset)
    return dataset


def _plan(room: Path, cases: Sequence[Case], options: Segmentation) -> dict[str, Any]:
    """Let nnU-Net's planner read the fingerprint; cut its 2-D plan down where ``options.plan`` is ``small``."""
    write_json(room / "preprocessed" / NAME / "dataset_fingerprint.json", _fingerprint(cases, options.roi_size))
    # The planner takes the number of loader processes for torch's number of threads, which zero breaks.
    with _environment(nnUNet_n_proc_DA="1"):
        plans = ExperimentPlanner(NAME).plan_experiment()
    plans["configurations"] = {CONFIGURATION: plans["configurations"][CONFIGURATION]}
    if options.plan == "small":
        configuration, stages = plans["configurations"][CONFIGURATION], SMALL["stages"]
        configuration["batch_size"] = SMALL["batch_size"]
        configuration["patch_size"] = [options.roi_size, options.roi_size]
        configuration["architecture"]["arch_kwargs"].update(
            n_stages=stages,
            features_per_stage=[SMALL["features"] * 2**stage for stage in range(stages)],
            kernel_sizes=[[3, 3]] * stages,
            strides=[[1, 1]] + [[2, 2]] * (stages - 1),
            n_conv_per_stage=[2] * stages,
            n_conv_per_stage_decoder=[2] * (stages - 1),
        )
    return plans


def _fingerprint(cases: Sequence[Case], size: int) -> dict[str, Any]:
    """Describe the data set as nnU-Net's extractor would; every region has the same size and unit spacing."""
    foreground = np.concatenate([stack(case.image, case.box)[:, 0, case.mask > 0.5] for case in cases], axis=1)
    low, median, high = np.percentile(foreground, (0.5, 50, 99.5), axis=1)
    summary = {"mean": foreground.mean(1), "median": median, "std": foreground.std(1), "min": foreground.min(1)}
    summary |= {"max": foreground.max(1), "percentile_99_5": high, "percentile_00_5": low}
    return {
        "spacings": [[1.0, 1.0, 1.0]] * len(cases),
        "shapes_after_crop": [[1, size, size]] * len(cases),
        "foreground_intensity_properties_per_channel": {
            channel: {name: float(values[int(channel)]) for name, values in summary.items()} for channel in CHANNELS
        },
        "median_relative_size_after_cropping": 1.0,
    }


def _preprocess(
    room: Path, plans: dict[str, Any], dataset: dict[str, Any], keys: Sequence[str], split: dict[str, list[str]]
) -> None:
    raw, done = room / "raw" / NAME, room / "preprocessed" / NAME
    manager = PlansManager(plans)
    configuration = manager.get_configuration(CONFIGURATION)
    (done / configuration.data_identifier).mkdir()
    preprocessor = DefaultPreprocessor(verbose=False)
    for key in keys:
        images = [str(raw / "imagesTr" / f"{key}_{int(channel):04d}{ENDING}") for channel in CHANNELS]
        label = str(raw / "labelsTr" / f"{key}{ENDING}")
        truncated = str(done / configuration.data_identifier / key)
        preprocessor.run_case_save(truncated, images, label, manager, configuration, dataset)
    (done / "splits_final.json").write_text(json.dumps([split]), encoding="utf-8")


def _folders(room: str) -> dict[str, str]:
    return {f"nnUNet_{name}": os.path.join(room, name) for name in ("raw", "preprocessed", "results")}


@contextlib.contextmanager
def _environment(**settings: str) -> Iterator[None]:
    """Set environment variables, through which nnU-Net is configured, for the length of a block."""
    before = {name: os.environ.get(name) for name in settings}
    os.environ.update(settings)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextlib.contextmanager
def _reproducible(seed: int) -> Iterator[None]:
    """Seed the global generators, from which nnU-Net draws, and ask torch for deterministic kernels."""
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002 - nnU-Net's loaders use numpy's legacy generator
    torch.manual_seed(seed)
    strict = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(strict)

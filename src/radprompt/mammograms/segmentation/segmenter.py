"""A trained nnU-Net: load it, ask it for one region of interest or for one lesion of a mammogram, save it.

As in the paper's segmentation step, the network sees the mammogram and the bounding box as two input channels and draws
the contour inside the annotated box. Nothing is pickled: weights are safetensors, everything else is JSON.
"""

import contextlib
import io
import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor
from nnunetv2.preprocessing.preprocessors.default_preprocessor import DefaultPreprocessor
from nnunetv2.utilities.get_network_from_plans import get_network_from_plans
from nnunetv2.utilities.plans_handling.plans_handler import PlansManager
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from scipy.ndimage import binary_fill_holes

from radprompt.core.device import resolve_device
from radprompt.core.errors import InputError
from radprompt.core.outputs import atomic_folder, write_json
from radprompt.mammograms.imaging.contours import inscribed_ellipse, largest_component
from radprompt.mammograms.imaging.roi import from_grid
from radprompt.mammograms.segmentation.regions import cut
from radprompt.tables.lesions import Box

CONFIGURATION = "2d"
CHANNELS = {"0": "mammogram", "1": "noNorm"}
"""nnU-Net's names: an unknown one is z-scored over the region, ``noNorm`` (the box) stays as it is."""
LABELS = {"background": 0, "mass": 1}
MIRRORED_AXES = (0, 1)
SMALLEST_FRACTION = 0.02
"""A mask that covers less of its box than this is no contour of the mass that the box was drawn around."""

PLANS, DATASET, WEIGHTS, RECORD = "plans.json", "dataset.json", "weights.safetensors", "segmenter.json"


class Drawing(NamedTuple):
    """A mask of the image's size, who drew it (``nnunet`` or ``ellipse``), and a remark, empty where all went well.

    ``certainty`` is the mean probability of mass over nnU-Net's mask; NaN where nnU-Net did not draw it.
    """

    mask: np.ndarray
    source: str
    flag: str
    certainty: float = float("nan")


def stack(image: np.ndarray, box: np.ndarray) -> np.ndarray:
    """Return nnU-Net's input, (2, 1, size, size) float32: the image, and the box as -1 outside and +1 inside.

    The sign matters: nnU-Net crops a case to the pixels where any channel differs from zero, and would otherwise cut
    the air beside the breast away and with it shift the grid.
    """
    return np.stack([image, np.where(box > 0.5, 1, -1)])[:, None].astype(np.float32)


class Segmenter:
    """nnU-Net for masses in regions of interest.

    Parameters
    ----------
    weights
        The network's parameters by name.
    plans, dataset
        nnU-Net's ``plans.json`` and ``dataset.json``.
    record
        What radprompt knows of the training; ``context`` and ``roi_size`` say how regions are cut.
    device
        ``auto`` (CUDA when present), ``cpu``, ``cuda``.
    """

    def __init__(
        self,
        weights: dict[str, torch.Tensor],
        plans: dict[str, Any],
        dataset: dict[str, Any],
        record: dict[str, Any],
        device: str = "auto",
    ) -> None:
        self.plans, self.dataset, self.record = plans, dataset, record
        self.context, self.size = float(record["context"]), int(record["roi_size"])
        self._manager = PlansManager(plans)
        self._configuration = self._manager.get_configuration(CONFIGURATION)
        self._preprocessor = DefaultPreprocessor(verbose=False)
        network = get_network_from_plans(
            self._configuration.network_arch_class_name,
            self._configuration.network_arch_init_kwargs,
            self._configuration.network_arch_init_kwargs_req_import,
            len(CHANNELS),
            len(LABELS),
            allow_init=False,
            deep_supervision=False,
        )
        _fill(network, weights)
        with contextlib.redirect_stdout(io.StringIO()):
            self._predictor = nnUNetPredictor(
                device=resolve_device(device), use_mirroring=True, allow_tqdm=False, verbose=False
            )
            self._predictor.manual_initialization(
                network, self._manager, self._configuration, None, dataset, "nnUNetTrainer", MIRRORED_AXES
            )

    @classmethod
    def load(cls, folder: str | Path, device: str = "auto") -> "Segmenter":
        """Read what :meth:`save` wrote; a file that is missing or does not fit is an :class:`InputError`."""
        folder = Path(folder)
        for name in (PLANS, DATASET, WEIGHTS, RECORD):
            if not (folder / name).is_file():
                raise InputError(
                    "no such file", where=str(folder / name), fix="run `dvc repro segmenter`, or `dvc pull`"
                )
        try:
            plans, dataset, record = (
                json.loads((folder / name).read_text(encoding="utf-8")) for name in (PLANS, DATASET, RECORD)
            )
            return cls(load_file(folder / WEIGHTS), plans, dataset, record, device)
        except (KeyError, SafetensorError, json.JSONDecodeError) as error:
            raise InputError(
                f"its files are damaged or do not fit each other ({error})",
                where=str(folder),
                fix="run `dvc repro --force segmenter`, or `dvc checkout`",
            ) from None

    def save(self, folder: str | Path) -> None:
        """Write the folder whole: plans, data set description, weights and record."""
        with atomic_folder(folder) as part:
            weights = {name: value.detach().cpu().contiguous() for name, value in self.parameters()}
            (part / WEIGHTS).write_bytes(save(weights))
            for name, content in ((PLANS, self.plans), (DATASET, self.dataset), (RECORD, self.record)):
                write_json(part / name, content)

    def parameters(self) -> list[tuple[str, torch.Tensor]]:
        """Return the network's parameters, each once: nnU-Net's decoder holds the encoder a second time."""
        return sorted(self._predictor.network.named_parameters())

    def predict(self, image_roi: np.ndarray, box_roi: np.ndarray) -> np.ndarray:
        """Return the probability of mass, (size, size) float32; both inputs (size, size), the box in {0, 1}.

        The mean over nnU-Net's four mirrorings, in tiles where the plan's patch is smaller than the region.
        """
        data, _, _ = self._preprocessor.run_case_npy(
            stack(image_roi, box_roi),
            None,
            {"spacing": [999.0, 1.0, 1.0]},
            self._manager,
            self._configuration,
            self.dataset,
        )
        logits = self._predictor.predict_sliding_window_return_logits(torch.from_numpy(data))
        return torch.softmax(logits.float(), dim=0)[1, 0].cpu().numpy()

    def segment(self, pixels: np.ndarray, box: Box, threshold: float) -> np.ndarray:
        """Draw the mass that ``box`` encloses.

        Parameters
        ----------
        pixels
            The normalised mammogram, (rows, columns), in [0, 1].
        box
            The lesion's box, px.
        threshold
            Probability from which a pixel is mass.

        Returns
        -------
        numpy.ndarray
            bool, (rows, columns): one component without holes inside the box (the paper draws contours inside the
            annotated boxes), or empty where no pixel reaches the threshold.
        """
        return self._segment(pixels, box, threshold)[0]

    def draw(self, pixels: np.ndarray, box: Box, threshold: float) -> Drawing:
        """Draw as :meth:`segment`; where that is (nearly) empty, the ellipse inscribed in the box, with a remark."""
        mask, certainty = self._segment(pixels, box, threshold)
        fraction = mask.sum() / ((box.xmax - box.xmin) * (box.ymax - box.ymin))
        if fraction >= SMALLEST_FRACTION:
            return Drawing(mask, "nnunet", "", certainty)
        return Drawing(
            inscribed_ellipse(box, pixels.shape),
            "ellipse",
            f"nnU-Net's mask covers {fraction:.1%} of the box, under {SMALLEST_FRACTION:.0%}",
        )

    def _segment(self, pixels: np.ndarray, box: Box, threshold: float) -> tuple[np.ndarray, float]:
        """Return the mask of :meth:`segment` and the mean probability over it."""
        roi = cut(pixels, box, self.context, self.size)
        probability = from_grid(self.predict(roi.image, roi.box), roi.region, pixels.shape)
        inside = np.s_[box.ymin : box.ymax, box.xmin : box.xmax]
        mask = np.zeros(pixels.shape, dtype=bool)
        found = probability[inside] >= threshold
        if not found.any():
            return mask, float("nan")
        mask[inside] = binary_fill_holes(largest_component(found))
        return mask, float(probability[mask].mean(dtype=np.float64))


def _fill(network: torch.nn.Module, weights: dict[str, torch.Tensor]) -> None:
    names = dict(network.named_parameters())
    if names.keys() != weights.keys():
        raise KeyError(sorted(names.keys() ^ weights.keys())[0])
    with torch.no_grad():
        for name, parameter in names.items():
            if parameter.shape != weights[name].shape:
                raise KeyError(f"{name}: {tuple(weights[name].shape)}, not {tuple(parameter.shape)}")
            parameter.copy_(weights[name])

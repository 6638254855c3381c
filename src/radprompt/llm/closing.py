"""Readout ``closing``: a weight vector for each feature on its closing token's state, the backbone left as it is.

Nothing is trained: the states at one layer are read once, and the weights are Bayesian
(:mod:`radprompt.bayes.vectors`), similar beforehand for features whose names the backbone reads alike. The same rows
give the same model.
"""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file
from sklearn.metrics import roc_auc_score
from tqdm import tqdm

from radprompt.bayes.posterior import Summary
from radprompt.bayes.prior import NamePrior, Scales
from radprompt.bayes.vectors import VectorModel, VectorSite, VectorStandardiser, learn_site
from radprompt.core.errors import InputError
from radprompt.core.outputs import write_json
from radprompt.llm.inference import Encoded, Readout, TrunkCache
from radprompt.study.sentences import closing_names

Floats = NDArray[np.float64]
Read = Callable[[list[str], Readout], Encoded]
"""Encodes prompts up to the layer that is read."""

CLOSING = "closing"
RECORD, ARRAYS = "closing.json", "closing.safetensors"
CHUNK = 64
"""Prompts whose states of all tokens are held at once; only those of closing tokens are kept."""


class Closings(NamedTuple):
    """States at prompts' closing tokens.

    ``names``: of each prompt's features in its order. ``states``: shape (prompts, most features, hidden size), zeros
    after a prompt's last feature.
    """

    names: list[list[str]]
    states: Floats

    def by(self, columns: Sequence[str]) -> Floats:
        """Return the states by feature, shape (prompts, columns, hidden size); NaN where a prompt lacks one."""
        place = {name: i for i, name in enumerate(columns)}
        values = np.full((len(self.names), len(columns), self.states.shape[2]), np.nan)
        for row, names in enumerate(self.names):
            values[row, [place[name] for name in names]] = self.states[row, : len(names)]
        return values

    def mean(self) -> NDArray[np.float32]:
        """Return the mean over each prompt's features, shape (prompts, hidden size)."""
        counts = np.array([len(names) for names in self.names])
        return (self.states.sum(axis=1) / counts[:, None]).astype(np.float32)


def read_closings(read: Read, prompts: list[str], cache: TrunkCache) -> Closings:
    """Read the states of prompts; those that ``cache`` holds are not read again.

    Raises
    ------
    InputError
        If a prompt names no feature, or one twice.
    """
    unread = cache.missing(prompts)
    chunks = [unread[start : start + CHUNK] for start in range(0, len(unread), CHUNK)]
    for chunk in tqdm(chunks, desc="reading sentences", unit="chunk", disable=None):
        encoded = read([prompts[i] for i in chunk], "features")
        assert encoded.hidden is not None
        assert encoded.weights is not None
        for i, hidden, weights in zip(chunk, encoded.hidden, encoded.weights, strict=True):
            cache.add(prompts[i], hidden[weights > 0].float())
    names = [closing_names(prompt) for prompt in prompts]
    for prompt, own in zip(prompts, names, strict=True):
        if len(set(own)) < len(own):
            raise InputError("a feature is named twice", where=prompt[:80], fix="name each feature once")
    states = cache.stack(prompts, max(map(len, names)))
    return Closings(names, states.numpy().astype(np.float64))


def read_names(read: Read, instruction: str, names: Sequence[str]) -> dict[str, Floats]:
    """Return the state at the end of ``<instruction> The '<name>' feature`` for each name."""
    encoded = read([f"{instruction} The '{name}' feature" for name in names], "last")
    assert encoded.hidden is not None
    last = encoded.hidden[torch.arange(len(names)), encoded.attention_mask.sum(dim=1) - 1]
    return dict(zip(names, last.float().numpy().astype(np.float64), strict=True))


def learn(
    read: Read, instruction: str, closings: Closings, y: NDArray[np.float32], before: VectorModel | None
) -> VectorModel:
    """Return the posterior over weight vectors after one more site's prompts.

    Parameters
    ----------
    read, instruction
        What reads the names of features that ``before`` does not know, and their prompt's beginning.
    closings, y
        What was read of the site's training prompts, and their classes, 0 or 1.
    before
        Posterior after earlier sites; None: there are none.
    """
    columns = sorted({name for names in closings.names for name in names})
    states = {} if before is None or before.prior.states is None else _by_name(before.prior)
    new = [name for name in columns if name not in states]
    states |= read_names(read, instruction, new) if new else {}
    return learn_site(states, columns, closings.by(columns), y.astype(float), before)


def logits(model: VectorModel, closings: Closings) -> Floats:
    """Return the logits of the probabilities averaged over the posterior (MacKay 1992), shape (prompts,).

    Raises
    ------
    InputError
        If a prompt names a feature that the last site's prompts did not.
    """
    columns = model.sites[-1].columns
    strange = sorted({name for names in closings.names for name in names} - set(columns))
    if strange:
        raise InputError(
            f"prompts name features that were not learned: {', '.join(map(repr, strange[:5]))}",
            where="X",
            fix="adapt to labelled prompts with these features first, or set llm.readout: features",
        )
    mean, variance = model.logits(closings.by(columns))
    return mean / np.sqrt(1 + np.pi * variance / 8)


def scores(split: str, model: VectorModel, closings: Closings, y: NDArray[np.float32]) -> dict[str, float]:
    """Return the mean log loss of a split's prompts and, of ``val`` where there are both classes, the AUC."""
    found = logits(model, closings)
    entry = {f"{split}_loss": float(np.mean(np.logaddexp(0, found) - y * found))}
    if split == "val" and len(np.unique(y)) == 2:
        entry["val_auc"] = float(roc_auc_score(y, found))
    return entry


def write_model(folder: Path, model: VectorModel) -> None:
    """Write :data:`RECORD` and :data:`ARRAYS` into a folder."""
    assert model.prior.states is not None
    record = {
        "names": list(model.prior.names),
        "scales": vars(model.scales),
        "log_evidence": model.log_evidence,
        "sites": [{"columns": list(site.columns), "cases": site.cases} for site in model.sites],
    }
    arrays: dict[str, NDArray] = {"states": model.prior.states.astype(np.float32)}
    for i, site in enumerate(model.sites):
        arrays |= {f"{i}.centre": site.standardiser.centre, f"{i}.scale": site.standardiser.scale}
        arrays |= {f"{i}.design": site.summary.design.astype(np.float32), f"{i}.target": site.summary.target}
    write_json(folder / RECORD, record)
    save_file({name: np.ascontiguousarray(values) for name, values in arrays.items()}, folder / ARRAYS)


def read_model(folder: Path) -> VectorModel:
    """Read what :func:`write_model` wrote.

    Raises
    ------
    InputError
        If a file is absent or cannot be read, or they do not fit together.
    """
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        arrays = load_file(folder / ARRAYS)
        sites = tuple(
            VectorSite(
                tuple(entry["columns"]),
                VectorStandardiser(arrays[f"{i}.centre"], arrays[f"{i}.scale"]),
                Summary(arrays[f"{i}.design"].astype(np.float64), arrays[f"{i}.target"]),
                entry["cases"],
            )
            for i, entry in enumerate(record["sites"])
        )
        prior = NamePrior(tuple(record["names"]), arrays["states"].astype(np.float64))
        for site in sites:
            centre = site.standardiser.centre
            if centre.shape[0] != len(site.columns) or site.summary.design.shape[1] != centre.size + 1:
                raise ValueError("a site's arrays do not fit its columns")
        return VectorModel(prior, sites, Scales(**record["scales"]), record["log_evidence"])
    except (OSError, ValueError, KeyError, TypeError, IndexError, SafetensorError) as error:
        raise InputError(
            f"not a readout of closing tokens: {error}", where=str(folder), fix="train again, or run `dvc pull`"
        ) from None


def _by_name(prior: NamePrior) -> dict[str, Floats]:
    assert prior.states is not None
    return dict(zip(prior.names, prior.states, strict=True))

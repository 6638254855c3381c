"""A named classifier as a folder: ``named.json`` says what it is, ``named.safetensors`` holds its numbers."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radprompt.bayes.posterior import Influence, Summary
from radprompt.bayes.prior import NamePrior, Scales
from radprompt.core.errors import InputError
from radprompt.core.outputs import atomic_folder, write_json
from radprompt.named.model import Model, Site
from radprompt.named.values import Standardiser

if TYPE_CHECKING:
    from radprompt.named.classifier import NamedClassifier

Classifier = TypeVar("Classifier", bound="NamedClassifier")
Arrays = dict[str, NDArray[Any]]

RECORD, ARRAYS = "named.json", "named.safetensors"
FORMAT = 1
"""Version of the folder's layout."""


def write_classifier(classifier: "NamedClassifier", folder: Path) -> None:
    """Write a fitted classifier.

    No case is in it. What is kept of a site, besides its standardisation, is the Gaussian form of its likelihood: as
    many numbers as a covariance of its coefficients. Normal scores keep up to 64 values of each column, sorted, and
    with fewer cases these are the cases' own values, column by column.
    """
    from safetensors.numpy import save_file

    model = classifier.model_
    parameters = classifier.get_params() | {"cache": None}
    for name in ("names", "cache"):
        if isinstance(parameters[name], Path):
            parameters[name] = parameters[name].as_posix()
    brought = isinstance(parameters["names"], pd.DataFrame)
    if brought:
        parameters["names"] = None  # the vectors are among the arrays
    if isinstance(parameters["feature_names"], np.ndarray):
        parameters["feature_names"] = parameters["feature_names"].tolist()
    record: dict[str, Any] = {
        "format": FORMAT,
        "parameters": parameters,
        "names_are_a_frame": brought,
        "classes": classifier.classes_.tolist(),
        "columns": getattr(classifier, "feature_names_in_", np.array([], dtype=object)).tolist(),
        "column_count": classifier.n_features_in_,
        "scaling": classifier.scaling_,
        "site": classifier.site_,
        "scales": asdict(model.scales),
        "log_evidence": model.log_evidence,
        "names": list(model.prior.names),
        "sites": [
            {
                "name": site.name,
                "columns": list(site.columns),
                "standardisation": site.standardiser.method,
                "cases": site.cases,
            }
            for site in model.sites
        ],
    }
    arrays: Arrays = {"pull": model.influence.pull, "root": model.influence.root}
    if model.prior.states is not None:
        arrays["states"] = model.prior.states
    if model.prior.directions is not None:
        arrays["directions"] = model.prior.directions
    for i, site in enumerate(model.sites):
        arrays |= {f"sites.{i}.{key}": values for key, values in _site_arrays(site).items()}
    with atomic_folder(folder) as part:
        write_json(part / RECORD, record)
        save_file({name: np.ascontiguousarray(values) for name, values in arrays.items()}, part / ARRAYS)


def read_classifier(kind: type[Classifier], folder: Path) -> Classifier:
    """Read what :func:`write_classifier` wrote.

    Raises
    ------
    InputError
        If files are absent, cannot be read, or do not fit together.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        arrays = load_file(folder / ARRAYS)
    except FileNotFoundError as error:
        raise InputError(
            f"no saved named model: {Path(error.filename or ARRAYS).name} is absent",
            where=str(folder),
            fix="save one with NamedClassifier.save",
        ) from None
    except (ValueError, OSError, SafetensorError) as error:
        raise InputError(f"not a named model: {error}", where=str(folder), fix="save it again") from None
    if not isinstance(record, dict) or record.get("format") != FORMAT:
        raise InputError(
            "written by another version", where=str(folder / RECORD), fix=f"save it again; this one reads {FORMAT}"
        )
    try:
        return _assemble(kind, record, arrays)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise InputError(f"not a named model: {error!r}", where=str(folder), fix="save it again") from None


def _assemble(kind: type[Classifier], record: Mapping[str, Any], arrays: Arrays) -> Classifier:
    names = tuple(record["names"])
    prior = NamePrior(names, arrays.get("states"), arrays.get("directions"))
    sites = tuple(
        Site(
            entry["name"],
            tuple(entry["columns"]),
            _standardiser(arrays, f"sites.{i}.", entry["standardisation"], len(entry["columns"])),
            _summary(arrays, f"sites.{i}.summary.", len(entry["columns"])),
            _summary(arrays, f"sites.{i}.name_free.", len(entry["columns"])),
            entry["cases"],
        )
        for i, entry in enumerate(record["sites"])
    )
    influence = Influence(arrays["pull"], arrays["root"])
    model = Model(prior, sites, Scales(**record["scales"]), record["log_evidence"], influence)
    size = len(model.observed.name)
    if influence.pull.shape != (size,) or influence.root.shape[1:] != (size,):
        raise ValueError(f"{size} coefficients, but a posterior of shape {influence.root.shape}")
    parameters = dict(record["parameters"])
    if record["names_are_a_frame"]:
        parameters["names"] = pd.DataFrame(prior.states, list(names))
    if isinstance(parameters["outcomes"], list):
        parameters["outcomes"] = tuple(parameters["outcomes"])
    classifier = kind(**parameters)
    classifier.model_, classifier.scales_, classifier.log_evidence_ = model, model.scales, model.log_evidence
    classifier.classes_, classifier.scaling_ = np.array(record["classes"]), record["scaling"]
    classifier.site_, classifier.n_features_in_ = record["site"], record["column_count"]
    if record["columns"]:
        classifier.feature_names_in_ = np.array(record["columns"], dtype=object)
    return classifier


def _site_arrays(site: Site) -> Arrays:
    arrays: Arrays = {}
    for kind, summary in (("summary", site.summary), ("name_free", site.name_free)):
        if summary is not None:
            arrays |= {f"{kind}.design": summary.design, f"{kind}.target": summary.target}
    if site.standardiser.method == "normal":
        knots, scores = site.standardiser.knots, site.standardiser.scores
        arrays["knots"], arrays["scores"] = np.concatenate(knots), np.concatenate(scores)
        arrays["knot_counts"] = np.array([len(column) for column in knots], dtype=np.int64)
    else:
        arrays |= {"centre": site.standardiser.centre, "scale": site.standardiser.scale}
    return arrays


def _summary(arrays: Arrays, prefix: str, columns: int) -> Summary | None:
    if f"{prefix}design" not in arrays:
        return None
    summary = Summary(arrays[f"{prefix}design"], arrays[f"{prefix}target"])
    if summary.design.shape != (len(summary.target), columns + 1):
        raise ValueError(f"{prefix}design has the shape {summary.design.shape}")
    return summary


def _standardiser(arrays: Arrays, prefix: str, method: Any, columns: int) -> Standardiser:
    if method not in ("zscore", "normal", "none"):
        raise ValueError(f"standardisation {method!r}")
    empty = np.zeros(0)
    if method == "normal":
        ends = np.cumsum(arrays[f"{prefix}knot_counts"])[:-1]
        knots, scores = (tuple(np.split(arrays[f"{prefix}{key}"], ends)) for key in ("knots", "scores"))
        if len(knots) != columns:
            raise ValueError(f"{len(knots)} normal scores for {columns} columns")
        return Standardiser(method, empty, empty, knots, scores)
    standardiser = Standardiser(method, arrays[f"{prefix}centre"], arrays[f"{prefix}scale"])
    if method == "zscore" and not standardiser.centre.shape == standardiser.scale.shape == (columns,):
        raise ValueError(f"{len(standardiser.centre)} means for {columns} columns")
    return standardiser

"""From raw features to the sentence, as the stages standardise, select and prompts make it, with the same roundings."""

import pandas as pd

from radprompt.deployment.record import Record
from radprompt.outputs import DECIMALS
from radprompt.prompts import render_frame
from radprompt.radiomics.scaling import FeatureScaler
from radprompt.selection.record import Selection


def as_written(table: pd.DataFrame) -> pd.DataFrame:
    """Return the values that reading a CSV of :func:`radprompt.outputs.write_csv` would give."""
    return table.map(lambda value: float(f"{value:.{DECIMALS}g}"))


def standardise(raw: pd.DataFrame, scaler: FeatureScaler) -> pd.DataFrame:
    """Return the z-scores of features as measured, or as read from their table; one row a lesion."""
    return as_written(scaler.transform(as_written(raw)))


def read_values(z: pd.DataFrame, scaler: FeatureScaler, selection: Selection, record: Record) -> pd.DataFrame:
    """Return what the language model reads of z-scores: the selected features by name, in their order of selection."""
    values = scaler.inverse_transform(z) if record.prompt.values == "raw" else z
    return values[list(selection.features)].set_axis(list(selection.names), axis=1)


def background(scaler: FeatureScaler, selection: Selection, record: Record) -> dict[str, float]:
    """Return the training mean of each selected feature by name, on the scale that the language model reads."""
    if record.prompt.values != "raw":
        return dict.fromkeys(selection.names, 0.0)
    means = dict(zip(scaler.features, scaler.mean, strict=True))
    return {name: means[key] for key, name in zip(selection.features, selection.names, strict=True)}


def sentences(values: pd.DataFrame, record: Record) -> list[str]:
    """Return one prompt a row of :func:`read_values`."""
    return render_frame(values, record.prompt, record.seed)

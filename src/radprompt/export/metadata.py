"""The card's head that hubs read: library, backbone, licence, tags and figures, without a widget."""

from typing import Any

import pandas as pd
from huggingface_hub import EvalResult, ModelCardData

from radprompt.export.sources import LANGUAGE_MODEL, Sources
from radprompt.pages.wording import metric_name

HUB_ID = "HuggingFaceTB/SmolLM2-135M-Instruct"
"""The packaged backbone on the hub, for cards; nothing is fetched from there."""

METRICS = {
    "auc": "roc_auc",
    "balanced_accuracy": "balanced_accuracy",
    "sensitivity": "recall",
    "specificity": "specificity",
    "brier": "brier_score",
}
"""Our metrics and what hubs call them."""

_DECIMALS = 4


def card_data(sources: Sources, licensed: str | None, comparison: pd.DataFrame | None) -> ModelCardData:
    """Return the head of a card.

    Parameters
    ----------
    sources
        The model.
    licensed
        The backbone, where the exported model only names it: then the licence is the backbone's as well.
    comparison
        ``metrics/comparison.csv``; None: there are no figures.
    """
    backbone = sources.params.llm.backbone
    base = HUB_ID if licensed is None else backbone.source if backbone.revision else None
    parameters = sources.classifier["parameters"]
    adapted = ["lora"] if parameters["tuning"] == "lora" and parameters.get("readout") != "closing" else []
    return ModelCardData(
        language="en",
        license="apache-2.0" if licensed is None else "other",
        library_name="radprompt",
        base_model=base,
        pipeline_tag="tabular-classification",
        tags=["radiomics", "mammography", *adapted, "research-only", "not-for-clinical-use"]
        + ["synthetic-data"] * sources.record().synthetic,
        model_name=f"radprompt, {sources.setting.title}",
        eval_results=_figures(sources, comparison) or None,
        inference=False,  # no widget: a sentence without the features behind it says nothing
    )


def _figures(sources: Sources, comparison: pd.DataFrame | None) -> list[EvalResult]:
    if comparison is None:
        return []
    setting, dataset = sources.setting, sources.setting.test.dataset
    own = comparison[(comparison["setting"] == setting.name) & (comparison["model"] == LANGUAGE_MODEL)]
    rows: dict[str, Any] = {row["metric"]: row for row in own.to_dict("records")}
    drawn = ", drawn by a phantom" if sources.record().synthetic else ""
    return [
        EvalResult(
            task_type="tabular-classification",
            task_name="benign or malignant",
            dataset_type=dataset,
            dataset_name=f"{sources.settings.data_set(dataset)}{drawn}",
            dataset_split="test",
            metric_type=known,
            metric_name=metric_name(metric),
            metric_value=round(float(rows[metric]["value"]), _DECIMALS),
            metric_args=_interval(rows[metric], sources.params.evaluation.confidence),
        )
        for metric, known in METRICS.items()
        if metric in rows
    ]


def _interval(row: Any, confidence: float) -> dict[str, float | int]:
    ends = {end: round(float(row[end]), _DECIMALS) for end in ("low", "high") if pd.notna(row[end])}
    return {"confidence": confidence, **ends, "lesions": int(row["lesions"]), "patients": int(row["patients"])}

"""Sections of ``params.yaml`` for the conventional models."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

_STRICT = ConfigDict(extra="forbid", strict=True)
Positive = Annotated[int, Field(gt=0)]
PositiveFloat = Annotated[float, Field(gt=0)]


@dataclass(frozen=True, config=_STRICT)
class LogisticRegression:
    """L2 logistic regression."""

    C: PositiveFloat


@dataclass(frozen=True, config=_STRICT)
class RandomForest:
    """Random forest."""

    trees: Positive


@dataclass(frozen=True, config=_STRICT)
class BoostedTrees:
    """Gradient boosting, scikit-learn's or XGBoost's."""

    trees: Positive
    learning_rate: PositiveFloat
    depth: Positive


@dataclass(frozen=True, config=_STRICT)
class Svm:
    """Support vector machine with an RBF kernel, Platt-scaled."""

    C: PositiveFloat
    folds: Annotated[int, Field(ge=2)]


@dataclass(frozen=True, config=_STRICT)
class Mlp:
    """Perceptron with one hidden layer."""

    units: Positive
    epochs: Positive


@dataclass(frozen=True, config=_STRICT)
class TransTab:
    """TransTab's training; its layers are the package's."""

    epochs: Positive
    batch_size: Positive
    learning_rate: PositiveFloat


@dataclass(frozen=True, config=_STRICT)
class ElasticNet:
    """Elastic net: penalties and mixing ratios that inner folds choose from."""

    C: list[PositiveFloat] = Field(default_factory=lambda: [0.01, 0.1, 1.0])
    l1_ratio: list[Annotated[float, Field(ge=0, le=1)]] = Field(default_factory=lambda: [0.1, 0.9])
    folds: Annotated[int, Field(ge=2)] = 3


@dataclass(frozen=True, config=_STRICT)
class HistGradientBoosting:
    """Histogram-based gradient boosting, scikit-learn's."""

    trees: Positive = 100
    learning_rate: PositiveFloat = 0.1


@dataclass(frozen=True, config=_STRICT)
class TabIcl:
    """TabICL: reads the training rows as an example and learns nothing; its weights are a file of the user's."""

    weights: str | None = None
    estimators: Positive = 8


Learner = Literal["logistic_regression", "random_forest", "gradient_boosting", "svm", "naive_bayes", "mlp", "xgboost"]
Baseline = Literal[
    Learner,
    "majority",
    "size_alone",
    "elastic_net",
    "hist_gradient_boosting",
    "clinical_logistic",
    "combined_logistic",
    "all_features_logistic",
    "normal_scores_logistic",
    "pooled_logistic",
    "source_logit",
    "source_logistic",
    "transtab",
    "tabicl",
]


@dataclass(frozen=True, config=_STRICT)
class Baselines:
    """The conventional models."""

    models: Annotated[list[Baseline], Field(min_length=1)]
    on_embeddings: list[Learner]
    logistic_regression: LogisticRegression
    normal_scores_logistic: LogisticRegression
    random_forest: RandomForest
    gradient_boosting: BoostedTrees
    svm: Svm
    mlp: Mlp
    xgboost: BoostedTrees
    transtab: TransTab
    elastic_net: ElasticNet = ElasticNet()
    hist_gradient_boosting: HistGradientBoosting = HistGradientBoosting()
    tabicl: TabIcl = TabIcl()
    size: str = "shape_MaximumDiameter"

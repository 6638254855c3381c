"""Names of models as a reader sees them, the same in tables, sentences and legends."""

_NAMES = {
    "llm": "language model",
    "named": "named model",
    "named_all": "named model, all features",
    "named_permuted": "named model, names permuted",
    "named_without_names": "named model, names left out",
    "svm": "SVM",
    "mlp": "MLP",
    "xgboost": "XGBoost",
    "naive_bayes": "naive Bayes",
    "transtab": "TransTab",
    "majority": "majority class",
    "size_alone": "size alone",
    "all_features_logistic": "all-feature logistic regression",
    "normal_scores_logistic": "logistic regression on normal scores",
    "pooled_logistic": "logistic regression on both sites",
    "source_logit": "logistic regression with the first site's logit",
    "source_logistic": "the first site's logistic regression",
    "elastic_net": "elastic net, all features",
    "hist_gradient_boosting": "histogram gradient boosting, all features",
    "tabicl": "TabICL, all features",
    "clinical_logistic": "clinical data alone",
    "combined_logistic": "clinical data and selected features",
}
_EMBEDDING = "embedding_"


def model_name(key: str) -> str:
    """Return a model's name in words; an unknown key keeps its own, spaces for underscores."""
    if key.startswith(_EMBEDDING):
        return f"{model_name(key.removeprefix(_EMBEDDING))} on embeddings"
    return _NAMES.get(key, key.replace("_", " "))

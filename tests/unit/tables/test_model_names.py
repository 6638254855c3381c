"""Every model that this repository can train has a name in words, the same in tables and legends."""

from typing import get_args

import pandas as pd
import pytest

from radprompt.core.baseline_params import Baseline, Learner
from radprompt.evaluation.figures import draw
from radprompt.named.variants import ALL, NAMELESS, PERMUTED, SELECTED
from radprompt.tables.model_names import model_name


@pytest.mark.parametrize("key", ["llm", SELECTED, ALL, PERMUTED, NAMELESS, *get_args(Baseline)])
def test_no_key_is_shown_as_it_is_written_in_files(key):
    assert "_" not in model_name(key)
    assert "llm" not in model_name(key)


def test_names_of_models_on_embeddings_are_made_of_their_own():
    assert [model_name(f"embedding_{key}") for key in get_args(Learner)[:4]] == [
        "logistic regression on embeddings",
        "random forest on embeddings",
        "gradient boosting on embeddings",
        "SVM on embeddings",
    ]


def test_a_users_model_keeps_its_name():
    assert model_name("my_new_model") == "my new model"


def test_legends_say_what_tables_say():
    points = pd.DataFrame({"fpr": [0.0, 1.0] * 2, "tpr": [0.0, 1.0] * 2, "model": ["llm"] * 2 + ["embedding_svm"] * 2})
    legend = draw("roc", points, "ROC", ["llm", "embedding_svm"]).legends[0]
    assert [text.get_text() for text in legend.get_texts()] == [
        "language model (0.500)",
        "SVM on embeddings (0.500)",
    ]

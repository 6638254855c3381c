"""The table that ends a run."""

from radprompt.own_table.results import perfect_scores


def test_a_perfect_score_is_remarked_on():
    content = {"table": {"llm": {"auc": 0.98}, "random_forest": {"auc": 1.0}, "majority": {}}}
    (remark,) = perfect_scores(content)
    assert "An AUC of 1.000 (random forest)" in remark
    assert perfect_scores({"table": {"llm": {"auc": 0.9994}}}) == []

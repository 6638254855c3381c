"""The table that ends a run."""

from radprompt.own_table.results import perfect_scores


def test_a_perfect_score_is_remarked_on():
    (remark,) = perfect_scores({"named": 0.98, "random_forest": 1.0})
    assert "An AUC of 1.000 (random forest)" in remark
    assert perfect_scores({"named": 0.9994}) == []

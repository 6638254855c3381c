import numpy as np
import pandas as pd
import pytest

from radprompt.evaluation.explanations import COLUMNS, choose_lesions, draw_cohort, draw_lesions, summarise

VALUES = np.array([-2.0, -1.0, 0.5, 1.0, 2.0, 3.0])


@pytest.fixture
def explanations() -> pd.DataFrame:
    """Three features of six lesions: one pushes to benign when high, one is idle, one is noise."""
    shares = {"Sphericity": -VALUES, "Mean": np.zeros(6), "Energy": np.array([0.1, -0.1, 0.1, -0.1, 0.1, -0.1])}
    logit = sum(shares.values()) + 0.2
    parts = [
        pd.DataFrame(
            {
                "lesion_id": [f"l{i}" for i in range(6)],
                "label": [1, 1, 1, 0, 0, 0],
                "probability": 1 / (1 + np.exp(-logit)),
                "logit": logit,
                "base": 0.2,
                "feature": f"x_{name}",
                "name": name,
                "value": VALUES,
                "share": share,
            }
        )
        for name, share in shares.items()
    ]
    return pd.concat(parts).sort_values("lesion_id", kind="stable", ignore_index=True)[COLUMNS]


def test_summary_says_which_way_a_feature_pushes(explanations: pd.DataFrame) -> None:
    table = summarise(explanations).set_index("name")
    assert list(table.index) == ["Sphericity", "Energy", "Mean"]
    assert table.loc["Sphericity", "pushes"] == "benign when high"
    assert table.loc["Sphericity", "correlation"] == pytest.approx(-1)
    assert table.loc["Sphericity", "mean_absolute_share"] == pytest.approx(9.5 / 6)
    assert table.loc["Sphericity", "mean_share"] == pytest.approx(-3.5 / 6)
    assert table.loc[["Energy", "Mean"], "pushes"].tolist() == ["neither", "neither"]
    assert np.isnan(table.loc["Mean", "correlation"])
    turned = explanations.assign(share=-explanations["share"])
    assert summarise(turned)["pushes"].iloc[0] == "malignant when high"


def test_lesions_of_both_classes_are_drawn_by_the_seed() -> None:
    rows = pd.DataFrame({"lesion_id": [f"l{i:02d}" for i in range(30)], "label": [0] * 20 + [1] * 10})
    chosen = choose_lesions(rows, 9, 4)
    assert chosen["label"].value_counts().to_dict() == {1: 5, 0: 4}
    pd.testing.assert_frame_equal(choose_lesions(rows, 9, 4), chosen)
    assert set(choose_lesions(rows.iloc[::-1], 9, 4)["lesion_id"]) == set(chosen["lesion_id"])
    assert set(choose_lesions(rows, 9, 5)["lesion_id"]) != set(chosen["lesion_id"])
    assert len(choose_lesions(rows, 100, 4)) == 30


def test_drawings_show_every_feature_and_the_extreme_lesions(explanations: pd.DataFrame) -> None:
    axes = draw_cohort(explanations, "t").axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["Mean", "Energy", "Sphericity"]
    points = axes.collections[-1].get_offsets()
    np.testing.assert_allclose(sorted(points[:, 0]), sorted(-VALUES))
    titles = [axes.get_title() for axes in draw_lesions(explanations, 4).axes]
    assert [title.split(",")[0] for title in titles] == ["malignant", "malignant", "benign", "benign"]


@pytest.mark.parametrize(("count", "scales"), [(1, [0]), (3, [1, 2]), (4, [2, 3]), (5, [3, 4])])
def test_an_odd_lesion_leaves_no_empty_frame_and_every_column_its_scale(
    explanations: pd.DataFrame, count: int, scales: list[int]
) -> None:
    panels = draw_lesions(explanations, count).axes
    assert [axes.axison for axes in panels] == [True] * count + [False] * (count % 2)
    labelled = [n for n, axes in enumerate(panels) if axes.axison and axes.xaxis.get_tick_params()["labelbottom"]]
    assert labelled == scales

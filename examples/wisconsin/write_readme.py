"""Put the tables of results/comparison.csv into README.md, between its markers."""

import re
from pathlib import Path

import pandas as pd

from radprompt.tables.model_names import model_name

HERE = Path(__file__).parent
MODELS = (
    "named",
    "named_all",
    "named_permuted",
    "named_without_names",
    "logistic_regression",
    "normal_scores_logistic",
    "pooled_logistic",
    "source_logit",
    "svm",
    "random_forest",
)


def main() -> None:
    """Write the two tables."""
    comparison = pd.read_csv(HERE / "results/comparison.csv")
    auc = comparison[comparison["metric"] == "auc"].set_index(["setting", "model"])
    within = table(auc, {"cross_validation_a": "within A", "cross_validation_b": "within B"})
    cases = {0: "no label", 10: "10 cases", 20: "20", 50: "50"}
    columns = {f"b_{count}_cases": words for count, words in cases.items()} | {"b_half": "half"}
    page = (HERE / "README.md").read_text(encoding="utf-8")
    for name, text in (("within", within), ("adapted", table(auc, columns))):
        page = re.sub(
            rf"(<!-- {name} -->\n).*?(<!-- end -->)", lambda m, t=text: m[1] + t + m[2], page, flags=re.DOTALL
        )
    (HERE / "README.md").write_text(page, encoding="utf-8")


def table(auc: pd.DataFrame, columns: dict[str, str]) -> str:
    """Return a Markdown table of AUCs with their intervals over patients."""
    lines = ["| model | " + " | ".join(columns.values()) + " |", "|---|" + "---|" * len(columns)]
    for model in MODELS:
        cells = []
        for setting in columns:
            row = auc.loc[(setting, model)] if (setting, model) in auc.index else None
            cells.append("–" if row is None else f"{row['value']:.3f} ({row['low']:.2f} to {row['high']:.2f})")
        if set(cells) != {"–"}:
            lines.append(f"| {model_name(model)} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()

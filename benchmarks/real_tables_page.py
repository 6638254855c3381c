"""The page of evidence from the studies of ``benchmarks/real_tables.py``: what was decided beforehand, then figures."""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from radprompt.core.outputs import write_csv, write_text
from radprompt.pages.drawing import write_svg
from radprompt.tables.model_names import model_name

PAGE, TABLE, RANKS = Path("docs/evidence.md"), Path("docs/evidence.csv"), Path("docs/assets/evidence_ranks.svg")
LOGISTIC = ("logistic_regression", "all_features_logistic", "normal_scores_logistic")
OURS = ("named", "named_all")
ALPHA = 0.05
SMALLEST = 6
HEAD = """# Evidence on real radiomics

Decided before any figure was seen: every table of radMLBench (Demircioglu, Computers in Biology and Medicine 182, 2024, 109140)
that the check of `radprompt table` lets through, with the columns that it doubts left out as it advises; 5-fold cross-validation by
case, twice; the defaults of `radprompt table` for every model, none tuned for these tables; AUC; mean ranks over tables by
Friedman's test with Nemenyi's comparisons (scikit-posthocs). `benchmarks/real_tables.py` makes this page and
[evidence.csv](evidence.csv) in one command. No row of the tables is in this repository.

"""


def write_page(work: Path) -> None:
    """Write page, figures and drawing from the studies in ``work``."""
    studies = read_studies(work)
    write_csv(TABLE, studies)
    tables = studies[studies["protocol"] == "tables"]
    wide = tables.pivot_table(index="table", columns="model", values="auc")
    common = wide.dropna(axis=1).drop(columns="majority")
    parts = [HEAD, summary(common), ranking(common), each_table(tables, common)]
    llm = studies[studies["protocol"] == "llm"]
    if len(llm):
        parts.append(language_model(llm))
    hospitals = studies[studies["protocol"] == "hospitals"]
    if len(hospitals):
        parts.append(two_hospitals(hospitals, work))
    draw_ranks(common)
    write_text(PAGE, "\n".join(parts).rstrip() + "\n")
    print(f"{len(wide)} tables, {len(common.columns)} models: {PAGE}, {TABLE}, {RANKS}")


def read_studies(work: Path) -> pd.DataFrame:
    """Return the AUC of every model in every setting of every study, with its intervals."""
    parts = []
    for done in sorted(work.glob("*/done.json")):
        name, _, protocol = done.parent.name.rpartition("-")
        comparison = pd.read_csv(done.parent / "metrics/comparison.csv")
        auc = comparison[comparison["metric"] == "auc"]
        flow = json.loads((done.parent / "metrics/table.json").read_text(encoding="utf-8"))
        record = json.loads(done.read_text(encoding="utf-8"))
        positive = sum(list(site.values())[2] for site in flow["sites"].values())
        features = flow["features"]["number"] + flow["features"]["category"]
        about = {
            "table": name,
            "protocol": protocol,
            "cases": flow["cases"],
            "positive": positive,
            "features": features,
        }
        own = auc[["setting", "model", "value", "low", "high", "repeats", "repeat_low", "repeat_high"]]
        own = own.rename(columns={"value": "auc"}).assign(**about, doubted=bool(record["doubted"]))
        parts.append(own.assign(seconds=round(record["seconds"])))
    table = pd.concat(parts, ignore_index=True)
    first = ["table", "protocol", "cases", "positive", "features", "setting", "model"]
    return table[[*first, *(name for name in table if name not in first)]].sort_values(first, ignore_index=True)


def summary(common: pd.DataFrame) -> str:
    """Say in three lines what came out."""
    means, ranks = common.mean(), mean_ranks(common)
    best = str(ranks.index[0])
    own = " and ".join(
        f"the {model_name(name)} is at {ranks[name]:.1f} with {means[name]:.3f}" for name in OURS if name != best
    )
    against = [
        f"the {model_name(name)} {', '.join(f'{wins(common, name, rival)} ({words})' for rival, words in _RIVALS.items())}"
        for name in OURS
    ]
    lines = [
        f"- Over {len(common)} tables, of {len(ranks)} models {model_name(best)} has the best mean rank ({ranks[best]:.1f}; mean AUC "
        f"{means[best]:.3f}); {own}.",
        f"- Wins and losses by tables, and difference in mean AUC, against logistic regression: {'; '.join(against)}.",
        f"- {_told_apart(common)}",
    ]
    return "## In three lines\n\n" + "\n".join(lines) + "\n"


_RIVALS = {
    "logistic_regression": "eight features",
    "all_features_logistic": "all features",
    "normal_scores_logistic": "normal scores",
}


def wins(common: pd.DataFrame, ours: str, rival: str) -> str:
    """Return wins, losses and the difference of the means."""
    difference = common[ours] - common[rival]
    return f"{(difference > 0).sum()} to {(difference < 0).sum()}, {difference.mean():+.3f}"


def mean_ranks(common: pd.DataFrame) -> pd.Series:
    """Return each model's mean rank over the tables, 1 the best, in that order."""
    return common.rank(axis=1, ascending=False).mean().sort_values(kind="stable")


def comparisons(common: pd.DataFrame) -> pd.DataFrame:
    """Return Nemenyi's p-values of all pairs of models."""
    import scikit_posthocs

    found = scikit_posthocs.posthoc_nemenyi_friedman(common.to_numpy())
    return found.set_axis(list(common), axis=0).set_axis(list(common), axis=1)


def _told_apart(common: pd.DataFrame) -> str:
    p, order = comparisons(common), list(mean_ranks(common).index)
    best = order[0]
    apart = [model_name(name) for name in order if name != best and p.loc[best, name] < ALPHA]
    if not apart:
        return f"By Nemenyi's test no model is told apart from {model_name(best)}."
    return f"By Nemenyi's test {model_name(best)} is told apart from {', '.join(apart)}, and from no other."


def ranking(common: pd.DataFrame) -> str:
    """Return the table of ranks."""
    ranks, means = mean_ranks(common), common.mean()
    lines = ["## Ranks", "", "| model | mean rank | mean AUC | best on tables |", "|---|---|---|---|"]
    best = common.rank(axis=1, ascending=False, method="min").eq(1).sum()
    lines += [
        f"| {'**' * (n in OURS)}{model_name(n)}{'**' * (n in OURS)} | {ranks[n]:.2f} | {means[n]:.3f} | {best[n]} |"
        for n in ranks.index
    ]
    picture = f"![Mean ranks; models joined by a bar are not told apart](assets/{RANKS.name})"
    return "\n".join([*lines, "", picture, ""])


def draw_ranks(common: pd.DataFrame) -> None:
    """Draw the critical difference diagram."""
    import scikit_posthocs
    from matplotlib.figure import Figure

    ranks = mean_ranks(common).rename(index=model_name)
    p = comparisons(common).rename(index=model_name, columns=model_name)
    figure = Figure(figsize=(9, 4), layout="constrained")  # names of models stand outside the axes
    scikit_posthocs.critical_difference_diagram(ranks, p, ax=figure.subplots(), label_fmt_left="{label} ({rank:.1f})  ")
    write_svg(RANKS, figure)


def each_table(tables: pd.DataFrame, common: pd.DataFrame) -> str:
    """Return one row a table."""
    shown = ["named", "named_all", *LOGISTIC, "random_forest"]
    head = "| table | cases | positive | features | " + " | ".join(model_name(name) for name in shown) + " | best |"
    lines = ["## Each table", "", head, "|---|" + "---|" * (len(shown) + 4)]
    about = tables.drop_duplicates("table").set_index("table")
    for name, row in common.iterrows():
        own = about.loc[name]
        best = model_name(str(row.idxmax()))
        cells = " | ".join(f"{row[model]:.3f}" for model in shown)
        mark = "\\*" if own["doubted"] else ""
        counts = f"{own['cases']} | {own['positive']} | {own['features']}"
        lines.append(f"| {name}{mark} | {counts} | {cells} | {best} {row.max():.3f} |")
    notes = (
        "\\* The check doubted cells or columns, and its advice was followed; a table with a row without an id (Hosny2018B) goes by "
        "row numbers. Intervals are in evidence.csv."
    )
    total = tables.drop_duplicates("table")["seconds"].sum() / 60
    return "\n".join([*lines, "", f"{notes} All tables took {total:.0f} minutes on two shared cores.", ""])


def language_model(llm: pd.DataFrame) -> str:
    """Return the paper's way on the smallest tables."""
    wide = llm.pivot_table(index="table", columns="model", values="auc").drop(columns="majority")
    order = list(wide.mean().sort_values(ascending=False).index)
    lines = [
        "## The paper's language model on the smallest tables",
        "",
        "SmolLM2-135M with LoRA on sentences of eight selected features, five folds once, a fifth of the training cases kept to choose",
        "its epoch; the other models learn from the same cases without that fifth.",
        "",
        "| table | " + " | ".join(model_name(name) for name in order) + " |",
        "|---|" + "---|" * len(order),
    ]
    lines += [f"| {name} | " + " | ".join(f"{row[m]:.3f}" for m in order) + " |" for name, row in wide.iterrows()]
    if len(wide) > 1:
        lines.append("| **mean** | " + " | ".join(f"**{wide[m].mean():.3f}**" for m in order) + " |")
    lines += ["", f"{len(wide)} of the {SMALLEST} smallest tables that are planned."] * (len(wide) < SMALLEST) + [""]
    return "\n".join(lines)


def two_hospitals(hospitals: pd.DataFrame, work: Path) -> str:
    """Return what few cases of a second hospital are worth, with intervals and the test of names."""
    lines = ["## Two hospitals: survival after lung cancer, CT (Hosny 2018, A and B)", ""]
    lines += ["Cases of B whose values are those of a case of A are left out: the check refuses such tables.", ""]
    for site, other in (("a", "b"), ("b", "a")):
        own = hospitals[hospitals["setting"].str.match(rf"(others_to_{site}|{site}_.*)$")]
        wide = own.pivot_table(index="model", columns="setting", values="auc", sort=False).drop(index="majority")
        order = sorted(wide.columns, key=_cases)
        lines += [
            f"Tested at {site.upper()}, other cases from {other.upper()}; mean over 10 draws, 95 % interval over patients:",
            "",
            "| model | " + " | ".join(_words(name, site) for name in order) + " |",
            "|---|" + "---|" * len(order),
        ]
        found = own.set_index(["model", "setting"])
        for model in wide.mean(axis=1).sort_values(ascending=False).index:
            cells = [
                f"{row['auc']:.3f} ({row['low']:.2f} to {row['high']:.2f})"
                if (model, name) in found.index and (row := found.loc[(model, name)]) is not None
                else "–"
                for name in order
            ]
            lines.append(f"| {model_name(model)} | " + " | ".join(cells) + " |")
        lines += ["", _names(work, order), ""]
    return "\n".join(lines)


def _cases(name: str) -> float:
    if name.startswith("others"):
        return -1
    return np.inf if name.endswith("half") else int(name.split("_")[1])


def _words(name: str, site: str) -> str:
    if name.startswith("others"):
        return "the other hospital's model, all cases of this one tested"
    if name.endswith("half"):
        return "half of its cases"
    count = name.split("_")[1]
    return "no label of its own" if count == "0" else f"{count} of its cases"


def _names(work: Path, settings: list[str]) -> str:
    """Say what the test of names says in each setting."""
    said = []
    for name in settings:
        for path in work.glob(f"*-hospitals/metrics/named/{name}.json"):
            own = json.loads(path.read_text(encoding="utf-8"))[name]
            said.append(f"{name} {own['named']['names_p']:.2f}")
    return "Do the names tell anything (p of `name_test`, first draw): " + ", ".join(said) + "."

"""Lessons: which cases a model learns from, and which cases of the same site then test it."""

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from radprompt.evaluation.learning_curve import nested_order
from radprompt.own_table.params import Adaptation
from radprompt.tables.cohort import ROLES


@dataclass(frozen=True)
class Lesson:
    """One training of every model.

    Parameters
    ----------
    setting
        As predictions and metrics have it: the site, and at other sites how many cases were learned from.
    site
        Its name in the table.
    cases
        Training cases: 0, a number that is drawn, or None for all of them.
    draw
        0, 1, ...: which draw of so many cases.
    """

    setting: str
    site: str
    cases: int | None
    draw: int

    @property
    def key(self) -> str:
        """Name in files."""
        return f"{self.setting}_{self.draw}"

    def record(self) -> dict[str, Any]:
        """Return the lesson for JSON."""
        return asdict(self)


def slug(site: str, sites: Sequence[str]) -> str:
    """Return a site's name fit for files and keys; sites that would share one are numbered."""
    short = [re.sub(r"[^\w-]+", "_", name).strip("_") or "site" for name in sites]
    own = short[list(sites).index(site)]
    return own if short.count(own) == 1 else f"{own}_{list(sites).index(site) + 1}"


def first_lesson(sites: Sequence[str]) -> Lesson:
    """Return the lesson of the first site: all its training cases."""
    return Lesson(slug(sites[0], sites), sites[0], None, 0)


def other_lessons(about: pd.DataFrame, sites: Sequence[str], options: Adaptation) -> tuple[list[Lesson], list[str]]:
    """Return the lessons of the other sites, and a note on each number of cases that a site cannot give.

    Parameters
    ----------
    about
        ``site``, ``split`` and ``label`` of each case.
    sites
        The first one trains.
    options
        Numbers of cases, and how often each is drawn.
    """
    lessons, notes = [], []
    for site in sites[1:]:
        labels = about.loc[(about["site"] == site) & (about["split"] == "train"), "label"].to_numpy()
        name = slug(site, sites)
        lessons.append(Lesson(f"{name}_0_cases", site, 0, 0))
        for count in sorted(set(options.cases)):
            rare = count * min(labels.mean(), 1 - labels.mean())
            if count >= len(labels):
                notes.append(f"Site {site} has {len(labels)} training cases: no lesson of {count}.")
            elif rare < 1:
                notes.append(f"At site {site}, {count} cases would hold one class only: no lesson of so few.")
            else:
                lessons += [Lesson(f"{name}_{count}_cases", site, count, draw) for draw in range(options.draws)]
        lessons.append(Lesson(f"{name}_all_cases", site, None, 0))
    return lessons, notes


def members(lesson: Lesson, about: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Return the rows of ``about`` that a lesson uses, with its own ``split``, in the order of roles and cases.

    A drawn lesson holds the classes in the site's shares, fewer cases are among the more of the same draw, and it has
    no validation cases: so few leave none. A lesson of no cases has test cases alone.
    """
    own = about[about["site"] == lesson.site]
    by_role = {role: own[own["split"] == role].sort_values("case") for role in ROLES}
    if lesson.cases is not None:
        train = by_role["train"]
        order = nested_order(train["label"].to_numpy(), [seed, lesson.draw])
        by_role["train"] = train.iloc[np.sort(order[: lesson.cases])]
        by_role["val"] = by_role["val"].iloc[:0]
    return pd.concat(list(by_role.values()))

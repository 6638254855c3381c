"""Compares this branch with its base and writes the comment and the page."""

from pathlib import Path
from typing import NamedTuple

from radprompt.core.outputs import write_text
from radprompt.core.params import load_params
from radprompt.repository.pull_request.changes import param_changes, stage_changes
from radprompt.repository.pull_request.comment import Links, Report, comment
from radprompt.repository.pull_request.metrics import metric_changes
from radprompt.repository.pull_request.plots import changed_plots, page
from radprompt.repository.pull_request.revisions import Revision, base_revision, head_commit


class Written(NamedTuple):
    """The comment, and how many plots the page shows."""

    comment: str
    plots: int


def pull_request_report(base: str, page_file: str | Path, web: str = "", root: str | Path = ".") -> Written:
    """Compare the working tree at ``root`` with the commit that it left ``base`` at, and write the page of plots.

    ``web`` is the repository's address, for pictures in the comment; without it they are on the page only.

    Raises
    ------
    InputError
        The base cannot be found (see :func:`~radprompt.repository.pull_request.revisions.base_revision`), or
        ``params.yaml`` is wrong. Whatever the base lacks is said in the comment instead.
    """
    before, after = base_revision(root, base), Revision(root, None, "this branch")
    params = load_params(Path(root) / "params.yaml")
    report = Report(
        before.label,
        param_changes(before, after),
        stage_changes(before, after),
        metric_changes(before, after, params),
        changed_plots(before, after),
        params.evaluation.confidence,
        params.evaluation.bootstrap_draws,
    )
    write_text(page_file, page(report.plots, before.label))
    links = Links(web.rstrip("/"), before.commit or "", head_commit(root))
    return Written(comment(report, links), len(report.plots))

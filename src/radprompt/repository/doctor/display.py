"""The diagnosis as a table for the terminal, as plain text, and as JSON."""

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from radprompt.core.timing import duration
from radprompt.repository.doctor.costs import Cost
from radprompt.repository.doctor.diagnosis import Diagnosis

MARKS = {"ok": "ok", "warning": "mind", "error": "MISSING"}
COLOURS = {"ok": "green", "warning": "yellow", "error": "bold red"}


def verdict(diagnosis: Diagnosis) -> str:
    """Return the last line: whether a run can start."""
    wrong = [finding for finding in diagnosis.findings if finding.state == "error"]
    minded = sum(finding.state == "warning" for finding in diagnosis.findings)
    also = f"; {minded} to mind" if minded else ""
    if wrong:
        return f"{len(wrong)} of {len(diagnosis.findings)} checks: missing or wrong{also}"
    return f"All {len(diagnosis.findings)} checks passed{also}. `dvc repro` can start"


def as_json(diagnosis: Diagnosis) -> str:
    """Return the diagnosis as JSON: ``green``, ``findings``, ``estimates``, their sum and what they are."""
    content = {
        "green": diagnosis.green,
        "findings": [asdict(finding) for finding in diagnosis.findings],
        "estimates": [_rounded(stage) for stage in diagnosis.costs.stages],
        "not_measured": diagnosis.costs.unknown,
        "basis": diagnosis.costs.basis,
        "total_seconds": round(diagnosis.costs.seconds),
    }
    return json.dumps(content, indent=2)


def show(diagnosis: Diagnosis, write: Callable[[str], None]) -> None:
    """Print the diagnosis: by rich where it is installed, else as plain lines through ``write``."""
    try:
        from rich.console import Console
    except ImportError:
        for line in plain(diagnosis):
            write(line)
        return
    console = Console()
    for table in _tables(diagnosis):
        console.print(table)
    console.print(diagnosis.costs.basis, style="dim", markup=False)
    console.print(verdict(diagnosis), style=COLOURS["ok" if diagnosis.green else "error"])


def plain(diagnosis: Diagnosis) -> list[str]:
    """Return the diagnosis in lines of plain text."""
    lines = []
    for finding in diagnosis.findings:
        lines.append(f"{MARKS[finding.state]:8} {finding.subject}: {finding.found}")
        if finding.fix:
            lines.append(f"{'':8}   {finding.fix}")
    lines += [
        f"  {'  '.join(cell.ljust(width) for cell, width in zip(_cells(stage), (26, 9, 8), strict=True))}"
        for stage in diagnosis.costs.stages
    ]
    if diagnosis.costs.stages:
        lines.append(f"  in all {duration(diagnosis.costs.seconds)}")
    return [*lines, diagnosis.costs.basis, verdict(diagnosis)]


def _cells(stage: Cost) -> tuple[str, str, str]:
    return stage.name, duration(stage.seconds), f"{stage.measured_gb:.1f} GB"


def _rounded(stage: Cost) -> dict[str, Any]:
    return {key: round(value, 2) if isinstance(value, float) else value for key, value in asdict(stage).items()}


def _tables(diagnosis: Diagnosis) -> list[Any]:
    from rich.box import SIMPLE_HEAD
    from rich.markup import escape
    from rich.table import Table

    checks = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for title in ("", "what", "found, and what to do"):
        checks.add_column(title, overflow="fold")
    for finding in diagnosis.findings:
        told = escape(finding.found) + (f"\n[cyan]{escape(finding.fix)}[/]" if finding.fix else "")
        checks.add_row(f"[{COLOURS[finding.state]}]{MARKS[finding.state]}[/]", escape(finding.subject), told)
    if not diagnosis.costs.stages:
        return [checks]
    costs = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    costs.add_column("stage")
    for title in ("time", "memory, measured"):
        costs.add_column(title, justify="right")
    costs.add_column("scaled by", style="dim")
    for stage in diagnosis.costs.stages:
        costs.add_row(*_cells(stage), stage.basis)
    costs.add_section()
    costs.add_row("in all", duration(diagnosis.costs.seconds))
    return [checks, costs]

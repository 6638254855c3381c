"""The diagnosis as a table for the terminal, as plain text, and as JSON."""

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from radprompt.repository.doctor.diagnosis import Diagnosis
from radprompt.repository.doctor.stage import Estimate

MARKS = {"ok": "ok", "warning": "mind", "error": "MISSING"}
COLOURS = {"ok": "green", "warning": "yellow", "error": "bold red"}
NOTE = (
    "Times and memory are estimates, right within a factor of about two: demo stage times and operations over rates "
    "(docs/clinical.md)."
)


def duration(seconds: float) -> str:
    """Return seconds as people say them: 40 s, 12 min, 3.5 h, 2.1 days."""
    for limit, unit, word in ((90, 1, "s"), (90 * 60, 60, "min"), (48 * 3600, 3600, "h")):
        if seconds < limit:
            value = seconds / unit
            return f"{value:.1f} {word}" if word == "h" and value < 10 else f"{value:.0f} {word}"
    return f"{seconds / 86400:.1f} days"


def verdict(diagnosis: Diagnosis) -> str:
    """Return the last line: whether a run can start."""
    wrong = [finding for finding in diagnosis.findings if finding.state == "error"]
    minded = sum(finding.state == "warning" for finding in diagnosis.findings)
    also = f"; {minded} to mind" if minded else ""
    if wrong:
        return f"{len(wrong)} of {len(diagnosis.findings)} checks: missing or wrong{also}"
    return f"All {len(diagnosis.findings)} checks passed{also}. `dvc repro` can start"


def as_json(diagnosis: Diagnosis) -> str:
    """Return the diagnosis as JSON: ``green``, ``findings``, ``estimates`` and totals."""
    content = {
        "green": diagnosis.green,
        "findings": [asdict(finding) for finding in diagnosis.findings],
        "computed_on": diagnosis.computed_on,
        "estimates": [_rounded(stage) for stage in diagnosis.costs.stages],
        "total_seconds": round(diagnosis.costs.seconds),
        "disk_gb": round(diagnosis.costs.disk_gb, 1),
        "temporary_disk_gb": round(diagnosis.costs.temporary_gb, 1),
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
    console.print(NOTE, style="dim")
    console.print(verdict(diagnosis), style=COLOURS["ok" if diagnosis.green else "error"])


def plain(diagnosis: Diagnosis) -> list[str]:
    """Return the diagnosis in lines of plain text."""
    lines = []
    for finding in diagnosis.findings:
        lines.append(f"{MARKS[finding.state]:8} {finding.subject}: {finding.found}")
        if finding.fix:
            lines.append(f"{'':8}   {finding.fix}")
    lines.append(f"Estimated on {diagnosis.computed_on}:")
    lines += [
        f"  {'  '.join(cell.ljust(width) for cell, width in zip(_cells(stage), (26, 9, 8, 8), strict=True))}"
        for stage in diagnosis.costs.stages
    ]
    return [*lines, f"  in all {duration(diagnosis.costs.seconds)}", NOTE, verdict(diagnosis)]


def _cells(stage: Estimate) -> tuple[str, str, str, str]:
    gpu = f"{stage.gpu_gb:.1f} GB" if stage.gpu_gb else ""
    return stage.name, duration(stage.seconds), f"{stage.memory_gb:.1f} GB", gpu


def _rounded(stage: Estimate) -> dict[str, Any]:
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
    costs = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), title=f"Estimated on {escape(diagnosis.computed_on)}")
    costs.add_column("stage")
    for title in ("time", "memory", "GPU memory"):
        costs.add_column(title, justify="right")
    costs.add_column("grows with", style="dim")
    for stage in diagnosis.costs.stages:
        costs.add_row(*_cells(stage), stage.basis)
    costs.add_section()
    costs.add_row("in all", duration(diagnosis.costs.seconds))
    return [checks, costs]

"""What ``radprompt table`` does before the pipeline runs: read, join, check, and fill the folder."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from radprompt.core.errors import InputError
from radprompt.core.table_params import ROLES_OF_COLUMNS
from radprompt.own_table.check_page import write_check_page
from radprompt.own_table.faults import LISTS, Command
from radprompt.own_table.folder import Prepared, changed, check_first, fill, is_ours, new_folder
from radprompt.own_table.joining import as_csv, join, join_columns
from radprompt.own_table.reading import Sheet, is_workbook, read_sheet


class Request(NamedTuple):
    """What was asked for on the command line; None where not given.

    ``options`` are those of the table's columns, ``protocol`` the others (``folds``, ``repeats``, ``holdout``,
    ``models``, ``llm``, ``min_icc``).
    """

    table: Path
    options: Mapping[str, Any]
    protocol: Mapping[str, Any]
    labels: Path | None
    on: str | None
    task: str | None
    out: Path | None
    folder: Path
    check: bool = False
    run: bool = True
    page: Path | None = None
    images: Path | None = None
    repeated: Path | None = None

    @property
    def measured(self) -> dict[str, Any]:
        """What goes with a table that was measured; see :func:`radprompt.own_table.measured.put_measured`."""
        return {"images": self.images, "repeated": self.repeated}


def report_check(asked: Request) -> list[str]:
    """Check a table, write nothing but the page that was asked for, and return what a run would use."""
    try:
        prepared, _ = _prepare(asked)
    except InputError as error:
        if asked.page is not None:
            write_check_page(asked.page, str(asked.table), error)
        raise
    if asked.page is not None:
        write_check_page(asked.page, str(asked.table), prepared)
    checked, lines = prepared.checked, _summary(prepared)
    lines += [f"column {name!r} is left out: {reason}" for name, reason in checked.left_out.items()]
    lines += [f"row {exclusion.row} is left out: {exclusion.reason}" for exclusion in checked.exclusions]
    return [*lines, "the table can be used"]


def start(asked: Request) -> list[str]:
    """Check a table, make its pipeline folder or fill the one that is there, and return what was done."""
    folder = asked.folder
    again = folder.exists() and (not folder.is_dir() or any(folder.iterdir()))
    if again:
        is_ours(folder)
    prepared, content = _prepare(asked)
    lines = changed(folder, prepared.changes) if again else [f"{folder}: a DVC pipeline, {new_folder(folder)}"]
    fill(folder, content, prepared.changes, prepared.study, llm=bool(asked.protocol.get("llm")), **asked.measured)
    return [*lines, *_summary(prepared)]


def _prepare(asked: Request) -> tuple[Prepared, bytes]:
    """Return the checked table with the parameters to write, and the table as the folder is to have it."""
    given = {key: value for key, value in asked.options.items() if value is not None and value != []}
    roles = {LISTS.get(key, key): value for key, value in given.items()}
    named = ("labels", "on", "task", "out", "page")
    rest = {name: getattr(asked, name) for name in named} | asked.measured | _typed(asked.protocol)
    flags = {"check": asked.check, "no-run": not asked.run}
    typed = given | {key: value for key, value in rest.items() if value is not None} | flags
    command = Command(str(asked.table), typed)
    sheet = read_sheet(asked.table)
    content = asked.table.read_bytes()
    if asked.labels is not None:
        clinical = read_sheet(asked.labels)
        on = _join_column(asked, sheet, clinical)
        here, _ = join_columns(on, sheet)
        if not {"id", "group"} & set(given) and here in sheet.cells:
            roles["id" if sheet.cells[here].is_unique else "group"] = here
        columns = [roles[role] for role in ROLES_OF_COLUMNS if role in roles]
        wanted = [name for name in columns if name != here]
        sheet = join(sheet, clinical, on, wanted, (str(asked.table), str(asked.labels)))
    if asked.labels is not None or is_workbook(content):
        content = as_csv(sheet.cells)
    folder = asked.folder if asked.folder.is_dir() else None
    sections = _sections(asked.protocol)
    prepared = check_first(
        asked.table, roles, asked.task, sections, folder=folder, sheet=sheet, command=command, **asked.measured
    )
    return prepared, content


def _typed(protocol: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of the protocol as they are typed."""
    return {
        key.replace("_", "-"): ",".join(map(str, value)) if isinstance(value, list) else value
        for key, value in protocol.items()
    }


def _sections(protocol: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return what the options of the protocol change in params.yaml."""
    partition = {key: protocol[key] for key in ("folds", "repeats", "holdout") if protocol.get(key) is not None}
    if protocol.get("llm"):
        partition["validation_fraction"] = 0.2
    sections = {"partition": partition}
    if models := protocol.get("models"):
        sections["baselines"] = {"models": models}
    if "min_icc" in protocol:
        sections["features"] = {"min_icc": protocol["min_icc"]}
    return sections


def _join_column(asked: Request, sheet: Sheet, clinical: Sheet) -> str:
    shared = [str(name) for name in sheet.cells if name in clinical.cells]
    on = asked.on or asked.options.get("id") or (shared[0] if len(shared) == 1 else None)
    if on is None:
        first = f"--on {next(iter(sheet.cells))}={next(iter(clinical.cells))}"
        fix = f"name the column of ids: --on {shared[0]}" if shared else f"name the columns of ids, such as {first}"
        raise InputError("which column joins the two tables?", where=f"{asked.table}, {asked.labels}", fix=fix)
    return on


def _summary(prepared: Prepared) -> list[str]:
    checked, study = prepared.checked, prepared.study
    positive = int(checked.about["label"].sum())
    cases = (
        f"{len(checked.about)} cases of {checked.about['patient'].nunique()} patients, {checked.features.shape[1]} "
        f"features, {checked.classes[1]!r} ({positive} cases) counts as 1"
    )
    titles = "; ".join(entry["title"] for entry in study.settings["settings"].values())
    return [cases, f"tested by: {titles}", *checked.notes, *study.notes]

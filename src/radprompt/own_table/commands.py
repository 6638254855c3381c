"""``radprompt table`` and ``radprompt new``: a feature table of one's own."""

from pathlib import Path
from shlex import quote
from typing import Annotated

import typer

from radprompt.core.errors import InputError
from radprompt.core.extras import require_extra

Several = list[str] | None


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command()(new)
    app.command()(table)


def new(folder: Annotated[Path, typer.Argument(help="A new folder.")]) -> None:
    """Make an empty pipeline folder for a feature table of your own (docs/own_table.md).

    For example:

    - `radprompt new my_study`
    """
    require_extra("radprompt new", "pipeline", "dvc")
    from radprompt.own_table.folder import new_folder

    typer.echo(f"{folder}: a DVC pipeline, {new_folder(folder)}; its README.md says how to go on")


def table(
    csv: Annotated[Path, typer.Argument(help="One row a case, one column a feature: CSV or .xlsx.")],
    label: Annotated[str | None, typer.Option(help="Column of the two classes; needed unless --apply.")] = None,
    positive: Annotated[str | None, typer.Option(help="Label that counts as 1; needed unless it is plain.")] = None,
    case: Annotated[str | None, typer.Option("--id", help="Column that names each case; else its row number.")] = None,
    group: Annotated[str | None, typer.Option(help="Column that names the patient, never on two sides.")] = None,
    site: Annotated[str | None, typer.Option(help="Column of the hospital: each is tested by the others.")] = None,
    split: Annotated[str | None, typer.Option(help="Column with train, val and test.")] = None,
    folds: Annotated[int | None, typer.Option(min=2, help="Folds of the cross-validation (5).")] = None,
    repeats: Annotated[int | None, typer.Option(min=1, help="How often it is done (4).")] = None,
    holdout: Annotated[float | None, typer.Option(help="Fraction of the patients that tests, instead.")] = None,
    models: Annotated[str | None, typer.Option(help="Conventional models, separated by commas.")] = None,
    llm: Annotated[bool, typer.Option("--llm", help="Also train the language model: minutes to hours.")] = False,
    clinical: Annotated[str | None, typer.Option(help="Columns known of the patient: age,sex.")] = None,
    size: Annotated[str | None, typer.Option(help="Feature of the model that knows the size alone.")] = None,
    ignore: Annotated[Several, typer.Option(help="Column or pattern ('diagnostics_*') to omit; repeatable.")] = None,
    category: Annotated[Several, typer.Option(help="Column of codes that are names; repeatable.")] = None,
    missing: Annotated[Several, typer.Option(help="Code for a missing value, or COLUMN=CODE; repeatable.")] = None,
    keep: Annotated[Several, typer.Option(help="Column to use although the check doubts it; repeatable.")] = None,
    decimal: Annotated[str | None, typer.Option(help="Decimal mark, . or , where the table leaves it open.")] = None,
    labels: Annotated[Path | None, typer.Option(help="Second table, with the label, joined by --on.")] = None,
    on: Annotated[str | None, typer.Option(help="Column of ids in both tables, or HERE=THERE; else --id's.")] = None,
    repeated: Annotated[Path | None, typer.Option(help="Table of the cases measured again, for --min-icc.")] = None,
    min_icc: Annotated[float | None, typer.Option(help="Leave features out whose ICC's lower limit is below.")] = None,
    images: Annotated[Path | None, typer.Option(help="Folder of `radprompt images`, for `radprompt predict`.")] = None,
    task: Annotated[str | None, typer.Option(help="The prompt's first sentence.")] = None,
    out: Annotated[Path | None, typer.Option(help="The pipeline's folder; else beside the table.")] = None,
    run: Annotated[bool, typer.Option(help="Run the pipeline, or only make its folder.")] = True,
    check: Annotated[bool, typer.Option("--check", help="Check the table, write nothing.")] = False,
    page: Annotated[Path | None, typer.Option(help="With --check: also write what was found as a web page.")] = None,
    apply: Annotated[Path | None, typer.Option(help="A study's folder, whose model predicts the table's rows.")] = None,
) -> None:
    """Cross-validate models on any feature table and report, as a DVC pipeline in a folder of its own.

    For example:

    - `radprompt table mydata.csv --label diagnosis --id case --group patient`
    - `radprompt table mydata.csv --label diagnosis --check --page check.html`
    - `radprompt table radiomics.csv --labels clinical.csv --on ID --label diagnosis --clinical age,sex`
    - `radprompt table new_cases.csv --apply mydata_radprompt`
    """
    if apply is not None:
        _apply(csv, apply, case, out, missing or [], decimal)
        return
    if label is None:
        raise InputError("which column holds the classes?", where=str(csv), fix="name it: --label COLUMN")
    from radprompt.own_table.command import Request, report_check, start
    from radprompt.own_table.folder import repro
    from radprompt.own_table.results import render_results

    roles = {"label": label, "positive": positive, "id": case, "group": group, "site": site, "split": split}
    lists = {"ignore": ignore, "category": category, "missing": missing, "keep": keep}
    options = {**roles, **lists, "clinical": _names(clinical), "size": size, "decimal": decimal}
    protocol = {"folds": folds, "repeats": repeats, "holdout": holdout, "models": _names(models), "llm": llm or None}
    protocol |= {"min_icc": min_icc}
    given = {key: value for key, value in protocol.items() if value is not None}
    folder = out or csv.with_name(f"{csv.stem}_radprompt")
    asked = Request(csv, options, given, labels, on, task, out, folder, check, run, page, images, repeated)
    if page is not None and not check:
        raise InputError(
            "a page of the check needs --check", where="--page", fix=f"add --check, or leave out --page {page}"
        )
    if check:
        for line in report_check(asked):
            typer.echo(line)
        return
    require_extra("radprompt table", "pipeline", "dvc", "dvclive", "pymrmr")
    for line in start(asked):
        typer.echo(line)
    if not run:
        typer.echo(f"cd {quote(str(folder))}; dvc repro  runs it")
        return
    repro(folder)
    from rich.console import Console

    Console().print(render_results(folder))
    typer.echo(f"{folder / 'reports/index.html'} has the rest")


def _names(text: str | None) -> list[str] | None:
    return None if text is None else [name.strip() for name in text.split(",") if name.strip()]


def _apply(
    csv: Path, folder: Path, case: str | None, out: Path | None, missing: list[str], decimal: str | None
) -> None:
    from radprompt.own_table.applying import apply

    target = out or csv.with_name(f"{csv.stem}_predictions.csv")
    for line in apply(csv, folder, case, target, missing, decimal):
        typer.echo(line)

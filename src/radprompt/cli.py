"""The command line: what is not a stage."""

from pathlib import Path
from typing import Annotated

import typer

from radprompt.errors import InputError

app = typer.Typer(
    help="Radiomics features as sentences that a language model reads.\n\nThe pipeline itself runs by `dvc repro`.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)
PROFILES = Path("profiles")


@app.command()
def summary(
    metrics: Annotated[Path, typer.Option(help="What the summary stage wrote.")] = Path("metrics/summary.json"),
) -> None:
    """Print the metrics of every model as a table.

    Example: `radprompt summary`
    """
    from rich.console import Console

    from radprompt.evaluation.tables import render_summary

    Console().print(render_summary(metrics))


@app.command()
def profile(name: Annotated[str, typer.Argument(help="A file in profiles/, without .yaml.")]) -> None:
    """Merge a profile into params.yaml, keeping its comments; `git diff params.yaml` shows what changed.

    Examples: `radprompt profile clinical`, `radprompt profile tiny`; back again: `git checkout params.yaml`
    """
    from radprompt.profiles import apply_profile

    changed = apply_profile(PROFILES / f"{name}.yaml", Path("params.yaml"))
    for line in changed:
        typer.echo(line)
    typer.echo(f"{len(changed)} values of params.yaml changed" if changed else "params.yaml holds that profile already")


@app.command()
def review(
    dataset: Annotated[str, typer.Argument(help="vindr_mammo, inbreast or cbis_ddsm.")],
    output: Annotated[Path, typer.Option(help="Folder for the sheets.")] = Path("reports/review"),
) -> None:
    """Write contact sheets of a data set's masks, for a radiologist to correct.

    A corrected mask is saved as `data/review/<dataset>/<lesion_id>.png` (8-bit, 0 and 255, the mammogram's size);
    `dvc repro` then takes it instead of the generated one.

    Example: `radprompt review vindr_mammo`
    """
    from radprompt.segmentation.review import write_contact_sheets

    for page in write_contact_sheets(dataset, output):
        typer.echo(page)


@app.command()
def ablations(
    table: Annotated[str | None, typer.Argument(help="A table of ablations.yaml; 3 is short for table3.")] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Experiments at a time.")] = 1,
    listed: Annotated[bool, typer.Option("--list", help="Only show how each experiment stands.")] = False,
) -> None:
    """Run the experiments of a table that are not done yet; without a table, list the tables.

    They go through DVC's queue: interrupted, they run on in the background, and the same command follows them again.
    Killed, it goes on where it was.

    Examples: `radprompt ablations`, `radprompt ablations 3`, `radprompt ablations 3 --list`
    """
    from rich.console import Console

    from radprompt.ablations.running import enqueue, follow, standings
    from radprompt.ablations.tables import find_table, load_tables

    tables = load_tables()
    if table is None:
        for known in tables.values():
            typer.echo(f"{known.short:10} {len(known.rows)} experiments  {known.title}")
        return
    chosen = find_table(tables, table)
    if not listed:
        enqueue(chosen, typer.echo)
        try:
            with Console(stderr=True).status("") as status:
                follow(chosen, jobs, typer.echo, status.update)
        except KeyboardInterrupt:
            typer.echo(
                f"The experiments run on in the background. `radprompt ablations {chosen.short}` follows them again; "
                "`dvc queue stop --kill` ends them.",
                err=True,
            )
            raise typer.Exit(130) from None
    found = standings(chosen)
    for standing in found:
        typer.echo(f"{standing.state:12} {chosen.experiment(standing.row)}")
    if listed:
        return
    if lacking := [chosen.experiment(standing.row) for standing in found if standing.state != "done"]:
        raise InputError(
            f"{len(lacking)} of {len(found)} experiments are not done: {', '.join(lacking)}",
            fix=f"see `dvc queue logs {lacking[0]}`; the same command runs them again",
        )
    typer.echo(f"All {len(found)} experiments are done: `radprompt ablation-table {chosen.short}` collects them")


@app.command()
def ablation_table(
    table: Annotated[str, typer.Argument(help="A table of ablations.yaml; 3 is short for table3.")],
    partial: Annotated[bool, typer.Option("--partial", help="Leave rows empty whose experiment is not done.")] = False,
) -> None:
    """Collect a table's experiments into metrics/ablations, beside the paper's figures.

    Example: `radprompt ablation-table 3`
    """
    from rich.console import Console

    from radprompt.ablations.collecting import render, results, tabulate
    from radprompt.ablations.tables import find_table, load_tables
    from radprompt.outputs import write_csv

    chosen = find_table(load_tables(), table)
    collected = tabulate(chosen, results(chosen, partial=partial))
    write_csv(chosen.file, collected)
    Console().print(render(chosen, collected))
    typer.echo(f"{len(collected)} lines in {chosen.file}")


def main() -> None:
    """Run the command line; an InputError is one screen of text and exit status 1."""
    try:
        app()
    except InputError as error:
        typer.echo(str(error), err=True)
        raise SystemExit(1) from None

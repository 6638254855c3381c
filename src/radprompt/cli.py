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
    metrics: Annotated[Path, typer.Option(help="What the evaluate stage wrote.")] = Path("metrics/summary.json"),
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


def main() -> None:
    """Run the command line; an InputError is one screen of text and exit status 1."""
    try:
        app()
    except InputError as error:
        typer.echo(str(error), err=True)
        raise SystemExit(1) from None

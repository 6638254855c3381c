"""The command line: what is not a stage."""

import math
import os
import traceback
from pathlib import Path
from typing import Annotated

import typer

from radprompt import __version__
from radprompt.core.child_process import end_at_once
from radprompt.core.errors import SHOW_TRACEBACK, InputError
from radprompt.core.extras import missing_package, require_extra
from radprompt.core.progress import HIDE_BARS
from radprompt.export.publish import push
from radprompt.images.commands import images, study_predict
from radprompt.own_table import commands as own_table
from radprompt.repository import completion
from radprompt.review.commands import review
from radprompt.serve.commands import serve

app = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown", pretty_exceptions_enable=False)
own_table.register(app)
app.command()(images)
app.command()(push)


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"radprompt {__version__}")
        raise typer.Exit


@app.callback()
def radprompt(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Version.")
    ] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="With an error, show where in the program it was raised.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress bars, on a terminal either.")] = False,
) -> None:
    """Radiomics features as sentences that a language model reads.

    The pipeline itself runs by `dvc repro`. Options of this page stand before the command:

    - `radprompt -q table mydata.csv --label diagnosis`
    """
    # In the environment, since stages and worker processes are to know it too.
    os.environ |= {SHOW_TRACEBACK: "1"} if verbose else {}
    os.environ |= {HIDE_BARS: "1"} if quiet else {}


@app.command()
def summary(
    metrics: Annotated[Path | None, typer.Option(help="A summary; else the newest files of metrics/.")] = None,
    setting: Annotated[list[str] | None, typer.Option(help="Only this setting; may be repeated.")] = None,
    metric: Annotated[str, typer.Option(help="Another metric, such as brier or average_precision.")] = "auc",
    full: Annotated[bool, typer.Option("--full", help="Six metrics with intervals, a block a setting.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    md: Annotated[bool, typer.Option("--md", help="Print Markdown.")] = False,
    latex: Annotated[bool, typer.Option("--latex", help="Print a LaTeX tabular.")] = False,
) -> None:
    """Print every model's AUC in every setting, on one screen.

    For example:

    - `radprompt summary`
    - `radprompt summary --full --setting vindr`
    - `radprompt summary --metric brier --md`
    """
    from rich.console import Console

    from radprompt.evaluation import summary_screen
    from radprompt.evaluation.tables import read_summary, render_summary

    if full + as_json + md + latex > 1:
        raise InputError("several forms asked for", fix="give one of --full, --json, --md and --latex")
    found, note = (read_summary(metrics), "") if metrics else summary_screen.current_metrics()
    chosen = summary_screen.choose(found, setting or [])
    content = summary_screen.screen(chosen, metric)
    if full:
        Console().print(render_summary(chosen))
    elif as_json:
        typer.echo(summary_screen.as_json(content, chosen))
    elif md or latex:
        typer.echo(summary_screen.as_markdown(content) if md else summary_screen.as_latex(content))
    else:
        Console().print(summary_screen.render(content))
    if note:
        typer.echo(note, err=True)


@app.command()
def profile(
    name: Annotated[str, typer.Argument(help="A file in profiles/.", autocompletion=completion.profiles)],
) -> None:
    """Merge a profile into params.yaml and settings.yaml, keeping their comments; `git diff` shows what changed.

    For example:

    - `radprompt profile open`
    - `radprompt profile clinical`
    - `git checkout params.yaml settings.yaml`: back to the committed ones
    """
    from radprompt.repository.profiles import apply_profile

    changed = apply_profile(completion.PROFILES / f"{name}.yaml", Path("params.yaml"))
    for line in changed:
        typer.echo(line)
    back = "back: git checkout params.yaml settings.yaml, also before another profile"
    typer.echo(
        f"{len(changed)} changes; {back}" if changed else "params.yaml and settings.yaml hold that profile already"
    )


@app.command()
def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
    params: Annotated[Path, typer.Option(help="The parameters to look after.")] = Path("params.yaml"),
) -> None:
    """Say what is missing and where to get it, and measured stage times scaled to this run, before anything runs.

    Looks at the data sets, the language model, GPU, memory, disk, packages, git and DVC. Status 1 if something that the
    pipeline needs is missing.

    For example:

    - `radprompt doctor`
    - `radprompt doctor --json`
    """
    from radprompt.repository.doctor import display
    from radprompt.repository.doctor.diagnosis import diagnose

    found = diagnose(params)
    if as_json:
        typer.echo(display.as_json(found))
    else:
        display.show(found, typer.echo)
    if not found.green:
        raise typer.Exit(1)


app.command()(review)


@app.command()
def ablations(
    table: Annotated[
        str | None,
        typer.Argument(help="A table of ablations.yaml; 3 is short for table3.", autocompletion=completion.tables),
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Experiments at a time.")] = 1,
    listed: Annotated[bool, typer.Option("--list", help="Only show how each experiment stands.")] = False,
) -> None:
    """Run the experiments of a table that are not done yet; without a table, list the tables.

    They go through DVC's queue: interrupted, they run on in the background, and the same command follows them again.
    Continues where a killed run stopped.

    For example:

    - `radprompt ablations`
    - `radprompt ablations 3`
    - `radprompt ablations 3 --list`
    """
    require_extra("radprompt ablations", "pipeline", "dvc")
    from rich.console import Console

    from radprompt.repository.ablations.running import enqueue, follow, standings
    from radprompt.study.ablation_tables import find_table, load_tables
    from radprompt.study.settings import load_settings

    tables = load_tables(load_settings())
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
    table: Annotated[
        str, typer.Argument(help="A table of ablations.yaml; 3 is short for table3.", autocompletion=completion.tables)
    ],
    partial: Annotated[bool, typer.Option("--partial", help="Leave rows empty whose experiment is not done.")] = False,
) -> None:
    """Collect a table's experiments into metrics/ablations, beside the paper's figures.

    For example:

    - `radprompt ablation-table 3`
    """
    require_extra("radprompt ablation-table", "pipeline", "dvc")
    from rich.console import Console

    from radprompt.core.outputs import write_csv
    from radprompt.repository.ablations.collecting import render, results, tabulate
    from radprompt.study.ablation_tables import find_table, load_tables
    from radprompt.study.settings import load_settings

    settings = load_settings()
    chosen = find_table(load_tables(settings), table)
    collected = tabulate(chosen, results(chosen, partial=partial), settings)
    write_csv(chosen.file, collected)
    Console().print(render(chosen, collected))
    typer.echo(f"{len(collected)} lines in {chosen.file}")


@app.command()
def remote(
    url: Annotated[str, typer.Argument(help="s3://, ssh://, gs://, azure://, webdavs:// or a folder.")] = "",
    endpoint: Annotated[str, typer.Option(help="Address of an S3 server that is not Amazon's.")] = "",
) -> None:
    """Set where `dvc push` and `dvc pull` go, or without a URL show it; secrets stay out of git (docs/remotes.md).

    For example:

    - `radprompt remote /mnt/share/radprompt`
    - `radprompt remote ssh://host/srv/radprompt`
    - `radprompt remote s3://bucket/radprompt --endpoint https://s3.hospital.org`
    """
    require_extra("radprompt remote", "pipeline", "dvc")
    from radprompt.repository.remotes import describe_remotes, set_remote

    for line in set_remote(url, endpoint) if url else describe_remotes():
        typer.echo(line)


@app.command()
def check_lock(
    prune: Annotated[bool, typer.Option("--prune", help="First remove entries without a stage.")] = False,
) -> None:
    """Fail when code, params, data or figures changed and dvc.lock did not; what is merely not pulled is no failure.

    For example:

    - `radprompt check-lock`
    """
    require_extra("radprompt check-lock", "pipeline", "dvc")
    from radprompt.repository.lock_check import check_lock, describe, prune_lock

    if prune:
        typer.echo(f"removed from dvc.lock: {', '.join(prune_lock()) or 'nothing'}")
    typer.echo(describe(check_lock()))


@app.command()
def export(
    target: Annotated[Path, typer.Argument(help="A new folder, or a file ending in .zip.")],
    setting: Annotated[
        str | None,
        typer.Option(help="Whose model; by default the first of settings.yaml.", autocompletion=completion.settings),
    ] = None,
    half: Annotated[int, typer.Option(min=0, help="Of the second site's patients, where they are halved.")] = 0,
) -> None:
    """Pack a trained model into one folder that `radprompt predict` uses elsewhere, with its model card.

    For example:

    - `radprompt export my_model`
    - `radprompt export inbreast.zip --setting inbreast_adapted --half 1`
    """
    require_extra("radprompt export", "mammograms", "pydicom")
    from radprompt.export.export import export_model
    from radprompt.study.settings import load_settings

    done = export_model(target, setting or next(iter(load_settings())), half)
    if done.licensed:
        typer.echo(f"The backbone {done.licensed} is licensed and not in there: `radprompt predict` wants its folder")
    typer.echo(f"{done.path}: {done.size / 1e6:.1f} MB, SHA-256 of its manifest {done.sha256}")


@app.command()
def predict(
    image: Annotated[Path | None, typer.Argument(help="A mammogram (DICOM, PNG), or an image as the study's.")] = None,
    model: Annotated[Path, typer.Option(help="An exported model, or STUDY/table.")] = Path("exported_model"),
    box: Annotated[str, typer.Option(help="Around the mass: xmin,ymin,xmax,ymax in px.")] = "",
    mask: Annotated[Path | None, typer.Option(help="Or its contour: a PNG, or a mask as a study's.")] = None,
    table: Annotated[Path | None, typer.Option(help="Many cases: CSV with id, image, and a box or mask.")] = None,
    images: Annotated[Path | None, typer.Option(help="Folder that the table's paths start from.")] = None,
    out: Annotated[Path, typer.Option(help="Folder for <id>.json and <id>.html.")] = Path("predictions"),
    name: Annotated[str, typer.Option("--id", help="Name of the case; without it, the image's name.")] = "",
    spacing: Annotated[float, typer.Option(help="mm from pixel to pixel, for images that do not say it.")] = math.nan,
    shares: Annotated[str, typer.Option(help="Pairs of orders, all (exact) or none; model: as exported.")] = "model",
    backbone: Annotated[Path | None, typer.Option(help="Folder of a licensed backbone.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, or cuda[:n].")] = "auto",
    mask_label: Annotated[str, typer.Option(help="Of a study of images: which of the mask's regions.")] = "",
    site: Annotated[str, typer.Option(help="Of a study of images with sites: the case's.")] = "",
    seg: Annotated[bool, typer.Option("--seg", help="Of a DICOM image: also write the region as DICOM-SEG.")] = False,
    sr: Annotated[bool, typer.Option("--sr", help="And a DICOM structured report that refers to it.")] = False,
) -> None:
    """Predict one mass, or a table of them, with an exported model or that of a study of images. Not for clinical use.

    For example:

    - `radprompt predict --model my_model image.dcm --box 120,80,190,150`
    - `radprompt predict --model my_model --table cases.csv --images folder --out results`
    - `radprompt predict --model study/table series/ --mask rtstruct.dcm --mask-label GTV --sr`
    """
    from radprompt.own_table.applying import FinalModel

    if FinalModel.folder(model) is not None:
        given = {"--box": box, "--images": images, "--backbone": backbone}
        study_predict(model, image, mask, table, out, name, spacing, mask_label, site, given, seg=seg, sr=sr)
        return
    if mask_label or site or seg or sr:
        raise InputError("--mask-label, --site, --seg and --sr are for the model of a study of images", where="--model")
    require_extra("radprompt predict", "mammograms", "pydicom", "SimpleITK", "radiomics", "skimage", "nnunetv2")
    from radprompt.export.cases import EXCLUDED, PREDICTIONS, Case, id_of, parse_box
    from radprompt.export.commands import open_predictor, predict_case, predict_table

    if (image is None) == (table is None):
        raise InputError("name an image or a table, one of the two", fix="see `radprompt predict --help`")
    if table is not None:
        done, excluded = predict_table(
            lambda: open_predictor(model, shares, backbone, device), table, images, spacing, out
        )
        typer.echo(f"{done} predicted: {out / PREDICTIONS}; {excluded} excluded: {out / EXCLUDED}")
    elif image is not None:
        case = Case(name or id_of(image), image, parse_box(box) if box else None, mask, spacing)
        said = predict_case(open_predictor(model, shares, backbone, device), case, out)
        typer.echo(f"probability of malignancy {said.probability:.3f}: {out / case.case_id}.html, .json")
    typer.echo("Not for clinical use")


app.command()(serve)


@app.command()
def pr_report(
    base: Annotated[str, typer.Option(help="Branch, tag or commit that the pull request goes to.")] = "origin/main",
    out: Annotated[Path | None, typer.Option(help="File for the comment; without it, the terminal.")] = None,
    page: Annotated[Path, typer.Option(help="File for the plots.")] = Path("reports/pull_request.html"),
    web: Annotated[str, typer.Option(help="The repository's address, for pictures in the comment.")] = "",
) -> None:
    """Write what this branch changes, in Markdown: figures with intervals and verdicts, params, stages, plots.

    For example:

    - `radprompt pr-report --base origin/main --out comment.md`
    """
    require_extra("radprompt pr-report", "pipeline", "dvc")
    from radprompt.core.outputs import write_text
    from radprompt.repository.pull_request.report import pull_request_report

    written = pull_request_report(base, page, web)
    if out is None:
        typer.echo(written.comment, nl=False)
    else:
        write_text(out, written.comment)
        typer.echo(f"{out}: the comment; {page}: {written.plots} plots side by side")


def main() -> None:
    """Run the command line; an InputError, or a package that is not installed, is a few lines and exit status 1."""
    end_at_once()
    try:
        return app(prog_name="radprompt")
    except InputError as error:
        refused: InputError | None = error
    except ModuleNotFoundError as error:
        if (refused := missing_package("this command", error.name or "")) is None:
            raise
    if os.environ.get(SHOW_TRACEBACK):
        traceback.print_exception(refused)
    typer.echo(str(refused), err=True)
    raise SystemExit(1)

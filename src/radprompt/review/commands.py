"""The command ``radprompt review``: contact sheets, or the reader's page."""

from pathlib import Path
from typing import Annotated

import typer

from radprompt.core.errors import InputError
from radprompt.core.extras import require_extra


def review(
    target: Annotated[str, typer.Argument(help="vindr_mammo, inbreast, cbis_ddsm, or a study's folder.")],
    output: Annotated[Path, typer.Option(help="Folder for the sheets.")] = Path("reports/review"),
    page: Annotated[bool, typer.Option("--serve", help="Serve the reader's page on 127.0.0.1.")] = False,
    reader: Annotated[str, typer.Option(help="With --serve: who reads, a name or pseudonym.")] = "",
    port: Annotated[int, typer.Option(min=0, max=65535, help="With --serve: 0 takes a free port.")] = 0,
    browser: Annotated[bool, typer.Option("--open", help="With --serve: open the page in the browser.")] = False,
) -> None:
    """Show contours to a radiologist: as contact sheets, or with --serve as a page to correct them on.

    A corrected mask is saved as `data/review/<dataset>/<lesion_id>.png` (8-bit, 0 and 255, the mammogram's size);
    `dvc repro` then takes it instead of the generated one. Of a study of `radprompt images`, read slice by slice, it is
    `STUDY/review/<case>.nrrd`, which the study's next run takes. The page writes it (docs/review.md).

    For example:

    - `radprompt review vindr_mammo`
    - `radprompt review vindr_mammo --serve --reader reader1`
    - `radprompt review my_study --serve --reader reader1`
    """
    require_extra("radprompt review", "mammograms", "pydicom", "skimage")
    from radprompt.images.study import SHEETS
    from radprompt.review.study import is_study

    if not page and is_study(target):
        fix = f"radprompt review {target} --serve --reader reader1"
        raise InputError("`radprompt images` has drawn its contact sheets", where=str(Path(target) / SHEETS), fix=fix)
    if not page:
        from radprompt.mammograms.segmentation.review import write_contact_sheets

        for sheet in write_contact_sheets(target, output):
            typer.echo(sheet)
        return
    require_extra("radprompt review --serve", "review", "starlette", "uvicorn")
    from radprompt.review.serving import serve

    if not reader:
        raise InputError("the page needs to know who reads", fix=f"radprompt review {target} --serve --reader reader1")
    serve(target, reader, port, typer.echo, browser=browser)

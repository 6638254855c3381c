"""The command ``radprompt serve``: one case at a time on a local page."""

from pathlib import Path
from typing import Annotated

import typer

from radprompt.core.extras import require_extra


def serve(
    model: Annotated[Path, typer.Option(help="What `radprompt export` wrote, or a table's study.")] = Path(
        "exported_model"
    ),
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on 127.0.0.1; 0 takes a free one.")] = 0,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open the page in the browser.")] = True,
    shares: Annotated[str, typer.Option(help="Pairs of orders, all (exact) or none; model: as exported.")] = "model",
    backbone: Annotated[Path | None, typer.Option(help="Folder of a licensed backbone.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, or cuda[:n].")] = "auto",
) -> None:
    """Serve a page on 127.0.0.1 for one case at a time: drop an image, draw a box, see what the model says and why.

    Move a value and see what changes. Programs ask the same by `POST /predict`; `/openapi.json` describes it
    (docs/predict.md). A table's study takes values instead of images. Not for clinical use.

    For example:

    - `radprompt serve --model my_model`
    - `radprompt serve --model my_model --port 8765 --no-browser`
    - `radprompt serve --model mydata_radprompt`
    - `curl -F image=@image.dcm -F box=120,80,190,150 http://127.0.0.1:8765/TOKEN/predict`
    """
    require_extra("radprompt serve", "review", "starlette", "uvicorn", "radiomics", "nnunetv2")
    from radprompt.serve.serving import serve as serve_model

    serve_model(model, port, typer.echo, shares=shares, backbone=backbone, device=device, browser=browser)

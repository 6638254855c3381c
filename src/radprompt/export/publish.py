"""Copy an exported model to a folder that others read, or upload it to the Hugging Face hub, where that was asked."""

import shutil
from pathlib import Path
from typing import Annotated

import typer

from radprompt.core.errors import InputError
from radprompt.core.extras import require_extra
from radprompt.core.hub import is_hub_id


def push(
    model: Annotated[Path, typer.Argument(help="What `radprompt export` wrote: a folder.")],
    target: Annotated[str, typer.Argument(help="A new folder, such as ./shared/model, or owner/name on the hub.")],
    public: Annotated[bool, typer.Option("--public", help="On the hub: for everyone; else private.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Upload without asking, where nobody can answer.")] = False,
) -> None:
    """Copy an exported model to a folder, or upload it to the hub; `from_pretrained` reads it from there.

    Every file is compared with the manifest first. Before an upload it is shown what would leave this machine.

    For example:

    - `radprompt push my_model /mnt/share/my_model`
    - `radprompt push my_model our-hospital/breast-masses`
    """
    require_extra("radprompt push", "mammograms", "pydicom")
    from radprompt.export.manifest import check_manifest

    sha256 = check_manifest(model)
    if not is_hub_id(target):
        copy_model(model, Path(target))
        typer.echo(f"{target}: a copy of {model}, SHA-256 of its manifest {sha256}")
        return
    for line in contents(model):
        typer.echo(line)
    whom = "everyone" if public else "whom you let"
    if not yes and not typer.confirm(f"Upload this to {target}, readable by {whom}?"):
        raise typer.Exit(1)
    commit = upload(model, target, public=public)
    typer.echo(f"{target}, commit {commit}; SHA-256 of its manifest {sha256}")


def contents(model: Path) -> list[str]:
    """Say what an exported model holds: whose lesions it learned from, and its files."""
    from radprompt.export.manifest import MANIFEST, describe
    from radprompt.export.record import RECORD, Record

    record, files = Record.load(model / RECORD), describe(model)
    size = sum(file["bytes"] for file in files.values()) / 1e6
    learned = f"{record.training.lesions} lesions of {record.training.dataset}"
    drawn = ", drawn by a phantom" if record.synthetic else ": mind its licence and what patients agreed to"
    return [
        f"{model}: {record.title}; {len(files)} files, {size:.1f} MB",
        f"It learned from {learned}{drawn}. No image and no id of a lesion is in it.",
        ", ".join(name for name in files if "/" not in name and name != MANIFEST),
    ]


def copy_model(model: Path, target: Path) -> None:
    """Copy an exported model; an earlier export of that name is replaced, nothing else is."""
    from radprompt.core.outputs import atomic_folder
    from radprompt.export.export import refuse_to_replace
    from radprompt.export.manifest import describe

    refuse_to_replace(target, zipped=False)
    with atomic_folder(target) as part:
        for name in describe(model):
            (part / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(model / name, part / name)


def upload(model: Path, target: str, *, public: bool) -> str:
    """Upload an exported model to a repository of the hub, made if there is none, and return the commit."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError, LocalTokenNotFoundError, OfflineModeIsEnabled

    from radprompt.export.manifest import describe

    api = HfApi(library_name="radprompt")
    try:
        api.create_repo(target, private=not public, exist_ok=True)
        done = api.upload_folder(
            repo_id=target, folder_path=model, allow_patterns=list(describe(model)), commit_message="radprompt export"
        )
    except (HfHubHTTPError, LocalTokenNotFoundError, OfflineModeIsEnabled, ConnectionError) as error:
        what = f"not uploaded: {str(error).splitlines()[0]}"
        raise InputError(what, where=target, fix="log in with `hf auth login`; unset HF_HUB_OFFLINE") from None
    return done.oid

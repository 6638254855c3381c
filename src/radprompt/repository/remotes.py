"""The default DVC remote, where `dvc push` and `dvc pull` go; secrets stay out of the repository.

What the team shares is written to ``.dvc/config``, which git tracks. Passwords and keys, and any remote that only this
machine can reach (a folder, a server on its loopback), are written to ``.dvc/config.local``, which git ignores.
"""

import os
from importlib.util import find_spec
from ipaddress import ip_address
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import SplitResult, unquote, urlsplit

from radprompt.core.errors import InputError

SHARED, OWN = "storage", "local"
"""Names of the remote that the team shares and of the one that only this machine has."""

PLUGINS = {
    "s3": "dvc-s3==3.3.0",
    "ssh": "dvc-ssh==4.3.0",
    "gs": "dvc-gs==3.1.0",
    "azure": "dvc-azure==3.1.1",
    "webdav": "dvc-webdav==3.0.1",
    "webdavs": "dvc-webdav==3.0.1",
}
"""The package that each kind of URL needs, in the version that fits requirements/lock.txt."""

_SECRET = ("password", "access_key_id", "secret_access_key", "account_key", "sas_token", "token", "connection_string")
_FIX = f"use a folder or one of {', '.join(f'{kind}://' for kind in PLUGINS)}: docs/remotes.md has an example of each"


class Remote(NamedTuple):
    """A remote as DVC configures it: ``shared`` for git, ``secret`` for this clone alone.

    ``own`` says that no other machine can reach it, so nothing of it is for git.
    """

    shared: dict[str, Any]
    secret: dict[str, str]
    own: bool


def set_remote(url: str, endpoint: str = "", root: str | Path = ".") -> list[str]:
    """Make ``url`` the default remote of the clone at ``root`` and return, in sentences, what was written where.

    Options that were set by hand stay while the URL is the same. A remote of this machine takes precedence over the
    shared one in this clone and leaves it in ``.dvc/config``; a shared one ends that.

    Raises
    ------
    InputError
        For what :func:`parse` refuses, a kind of URL whose package is not installed, a folder inside the clone or
        without a parent, and a place that is no DVC repository.
    """
    remote, config = parse(url, endpoint), _config(root)
    if beyond := [name for name, value in {**remote.shared, **remote.secret}.items() if not str(value).isascii()]:
        # DVC would empty the file over it.
        what = f"DVC keeps ASCII only in its configuration, and the {', the '.join(beyond)} has other letters"
        raise InputError(what, fix="name the place or the password without them")
    if remote.own and "://" not in remote.shared["url"]:
        _check_folder(Path(remote.shared["url"]), Path(root).resolve())
    name, level = (OWN, "local") if remote.own else (SHARED, "repo")
    former = {key: value for key, value in config.read(level)["remote"].get(name, {}).items() if key != "endpointurl"}
    kept = former.get("url") == remote.shared["url"]
    Path(config.files["local"]).touch(mode=0o600)
    Path(config.files["local"]).chmod(0o600)
    with config.edit("local", validate=False) as local:
        of_clone = local["remote"].pop(name, {})
        of_clone.pop("endpointurl", None)
        secret = (of_clone if kept else {}) | remote.secret
        local["core"].pop("remote", None)
        if remote.own:
            local["remote"][name] = secret | remote.shared
            local["core"]["remote"] = name
    if not remote.own:
        with config.edit("repo", validate=False) as shared:
            shared["core"]["remote"] = name
            shared["remote"][name] = (former if kept else {}) | remote.shared
        if secret:
            with config.edit("local") as local:
                local["remote"][name] = secret
    written = [f"The default remote is {remote.shared['url']}, called {name}"]
    if remote.own:
        return [*written, "It is in .dvc/config.local: only this clone uses it, and there is nothing to commit"]
    written.append("It is in .dvc/config: commit that file, and every clone uses it")
    return [*written, f"In .dvc/config.local, for this clone alone: {', '.join(sorted(secret))}"] if secret else written


def describe_remotes(root: str | Path = ".") -> list[str]:
    """Return the remotes that the clone knows, one a line, the default first; of secrets only the names."""
    config = _config(root)
    default = config.get("core", {}).get("remote")
    levels = {level: config.read(level)["remote"] for level in ("repo", "local")}
    lines = []
    for name in sorted({*levels["repo"], *levels["local"]}, key=lambda name: (name != default, name)):
        options = levels["repo"].get(name, {}) | levels["local"].get(name, {})
        file = ".dvc/config" if name in levels["repo"] else ".dvc/config.local"
        hidden = sorted(set(_SECRET) & set(options))
        lines.append(
            f"{name}{' (default)' if name == default else ''}: {options.get('url', 'no URL')}, from {file}"
            + (f"; secrets of this clone: {', '.join(hidden)}" if hidden else "")
        )
    return lines or ["There is no remote: `make remote URL=...` sets one"]


def parse(url: str, endpoint: str = "") -> Remote:
    """Split a URL into what the team may share and what it may not.

    Raises
    ------
    InputError
        For an unknown kind, a missing host or bucket, a query, a user where the kind has none, and an endpoint of
        anything but S3. Secrets of the URL are not repeated in the message.
    """
    if not url.strip():
        raise InputError("no URL was given", fix=_FIX)
    if "://" not in url:
        _refuse_endpoint(endpoint)
        return Remote({"url": os.path.abspath(Path(url).expanduser()), "verify": True}, {}, own=True)
    parts = urlsplit(url)
    if parts.scheme == "file":
        _refuse_endpoint(endpoint)
        return Remote({"url": os.path.abspath(unquote(parts.path)), "verify": True}, {}, own=True)
    if parts.scheme not in PLUGINS:
        raise InputError(f"{parts.scheme}:// is no kind of remote that this project knows", fix=_FIX)
    where = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
    if not parts.netloc.rpartition("@")[2]:
        what = "bucket or container" if parts.scheme in ("s3", "gs", "azure") else "host"
        raise InputError(f"the URL names no {what}", where=where, fix=_FIX)
    if parts.fragment or (parts.query and parts.scheme != "azure"):
        raise InputError("what follows ? or # has no meaning here", where=where, fix="leave it out; %3F is a ?")
    if parts.scheme != "s3":
        _refuse_endpoint(endpoint)
    _check_plugin(parts.scheme)
    shared, secret = _split(parts, where)
    if endpoint:
        if urlsplit(endpoint).scheme not in ("http", "https") or "@" in endpoint:
            raise InputError("the endpoint is no plain http(s) address", fix="such as ENDPOINT=https://s3.hospital.org")
        shared["endpointurl"] = endpoint
    host = urlsplit(endpoint).hostname if endpoint else parts.hostname
    own = parts.scheme not in ("gs", "azure") and bool(endpoint or parts.scheme != "s3") and _is_loopback(host or "")
    # Without it, DVC takes whatever bytes arrive and calls them up to date.
    return Remote(shared | {"verify": True}, secret, own)


def _split(parts: SplitResult, where: str) -> tuple[dict[str, Any], dict[str, str]]:
    """Give each part of ``user:password@`` the option that the kind of remote has for it."""
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    shared: dict[str, Any] = {"url": where}
    if parts.scheme == "ssh":
        # A name of one's own goes into config.local later: `dvc remote modify --local storage user ...`
        shared["url"] = where.replace("ssh://", f"ssh://{parts.username}@", 1) if user else where
        return shared, {"password": password} if password else {}
    if parts.scheme in ("webdav", "webdavs"):
        return shared | ({"user": user} if user else {}), {"password": password} if password else {}
    if parts.scheme == "azure":
        secret = ({"account_key": password} if password else {}) | ({"sas_token": parts.query} if parts.query else {})
        return shared | ({"account_name": user} if user else {}), secret
    if parts.scheme == "s3" and user and password:
        return shared, {"access_key_id": user, "secret_access_key": password}
    if user or password:
        fix = "s3://key:secret@bucket/path, or no key at all: then the environment's or the profile's is used"
        if parts.scheme == "gs":
            fix = f"leave it out; then `dvc remote modify --local {SHARED} credentialpath FILE`"
        raise InputError("there is no such user", where=where, fix=fix)
    return shared, {}


def _config(root: str | Path) -> Any:
    from dvc.config import Config

    folder = Path(root).resolve() / ".dvc"
    if not folder.is_dir():
        raise InputError("no DVC repository", where=str(root), fix="run from the repository's root")
    return Config(dvc_dir=folder, validate=False)


def _check_plugin(scheme: str) -> None:
    package = PLUGINS[scheme]
    if find_spec(package.partition("==")[0].replace("-", "_")) is None:
        raise InputError(
            f"{scheme}:// needs a package that is not installed: {package}",
            fix=f".venv/bin/uv pip install {package}   (or, elsewhere: python -m pip install {package})",
        )


def _check_folder(folder: Path, root: Path) -> None:
    if folder.resolve().is_relative_to(root):
        raise InputError(
            "the folder is inside the clone, and would be lost with it",
            where=str(folder),
            fix="name one outside it, on a disk that others can read",
        )
    if folder.exists() and not folder.is_dir():
        raise InputError("is a file, not a folder", where=str(folder), fix="name a folder")
    if not folder.parent.is_dir():
        raise InputError(
            "its parent folder does not exist", where=str(folder), fix="is the disk mounted? otherwise `mkdir -p` it"
        )


def _refuse_endpoint(endpoint: str) -> None:
    if endpoint:
        raise InputError("only an S3 remote has an endpoint", fix="leave ENDPOINT out")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"

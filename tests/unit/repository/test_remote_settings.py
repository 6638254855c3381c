"""Where the default remote is written: what the team shares to git, secrets and this machine's own places not."""

import stat
import subprocess

import pytest
from dvc.config import Config

from radprompt.core.errors import InputError
from radprompt.repository import remotes
from radprompt.repository.remotes import describe_remotes, parse, set_remote


@pytest.fixture(autouse=True)
def _every_plugin(monkeypatch):
    monkeypatch.setattr(remotes, "find_spec", lambda name: object())


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "clone"
    (folder / ".dvc").mkdir(parents=True)
    (folder / ".dvc/config").write_text("[core]\n    analytics = false\n")
    (folder / ".dvc/.gitignore").write_text("/config.local\n")
    return folder


def _levels(root):
    config = Config(dvc_dir=root / ".dvc")  # validates what was written
    return config.read("repo"), config.read("local"), config


@pytest.mark.parametrize(
    ("url", "shared", "secret"),
    [
        ("s3://bucket/path", {"url": "s3://bucket/path"}, {}),
        (
            "s3://AKIA:a%2Fb%3D@bucket/path",
            {"url": "s3://bucket/path"},
            {"access_key_id": "AKIA", "secret_access_key": "a/b="},
        ),
        ("ssh://host/srv/x", {"url": "ssh://host/srv/x"}, {}),
        ("ssh://ann@host:2222/srv/x", {"url": "ssh://ann@host:2222/srv/x"}, {}),
        ("ssh://ann:p%40ss@host/srv/x", {"url": "ssh://ann@host/srv/x"}, {"password": "p@ss"}),
        ("gs://bucket/path", {"url": "gs://bucket/path"}, {}),
        (
            "azure://account:key%3D%3D@container/path",
            {"url": "azure://container/path", "account_name": "account"},
            {"account_key": "key=="},
        ),
        (
            "azure://account@container/path?sv=2024&sig=abc",
            {"url": "azure://container/path", "account_name": "account"},
            {"sas_token": "sv=2024&sig=abc"},
        ),
        (
            "webdavs://ann:pw@cloud.hospital.org/dav/x",
            {"url": "webdavs://cloud.hospital.org/dav/x", "user": "ann"},
            {"password": "pw"},
        ),
    ],
)
def test_secret_part_goes_to_this_clone_alone(root, url, shared, secret):
    said = set_remote(url, root=root)
    repo, local, config = _levels(root)
    assert repo["remote"] == {"storage": {**shared, "verify": "True"}}
    assert local["remote"] == ({"storage": secret} if secret else {})
    assert repo["core"]["remote"] == config["core"]["remote"] == "storage"
    tracked = (root / ".dvc/config").read_text()
    assert not any(value in tracked or value in " ".join(said) for value in secret.values())
    assert stat.S_IMODE((root / ".dvc/config.local").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("url", "endpoint"),
    [
        ("{tmp}/storage", ""),
        ("file://{tmp}/storage", ""),
        ("ssh://127.0.0.1:2222/srv", ""),
        ("ssh://ann@localhost/srv", ""),
        ("webdav://[::1]:8080/dav", ""),
        ("s3://key:secret@bucket/path", "http://127.0.0.1:9000"),
    ],
)
def test_what_only_this_machine_reaches_leaves_nothing_in_git(root, tmp_path, url, endpoint):
    before = (root / ".dvc/config").read_text()
    said = set_remote(url.format(tmp=tmp_path), endpoint, root)
    repo, local, config = _levels(root)
    assert (root / ".dvc/config").read_text() == before
    assert repo["remote"] == {}
    assert list(local["remote"]) == ["local"]
    assert config["core"]["remote"] == "local"
    assert "nothing to commit" in said[1]


def test_relative_folder_and_home_become_whole_paths(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert parse("../storage").shared["url"] == str(tmp_path.parent / "storage")
    assert parse("~/storage").shared["url"] == str(tmp_path / "home/storage")


def test_endpoint_of_another_host_is_shared(root):
    set_remote("s3://bucket/path", "https://s3.hospital.org", root)
    assert _levels(root)[0]["remote"]["storage"]["endpointurl"] == "https://s3.hospital.org"
    set_remote("s3://bucket/path", root=root)
    assert "endpointurl" not in _levels(root)[0]["remote"]["storage"]


@pytest.mark.parametrize("password", ["a%b", 'it\'s #1, "really"', " spaces ", "[x]=y;z", "$HOME"])
def test_password_of_any_characters_survives_the_file(root, password):
    from urllib.parse import quote

    set_remote(f"ssh://ann:{quote(password, safe='')}@host/srv", root=root)
    assert _levels(root)[2]["remote"]["storage"]["password"] == password


def test_folder_takes_precedence_here_and_a_shared_one_ends_that(root, tmp_path):
    set_remote("ssh://ann:pw@host/srv", root=root)
    set_remote(str(tmp_path / "storage"), root=root)
    repo, local, config = _levels(root)
    assert config["core"]["remote"] == "local"
    assert repo["core"]["remote"] == "storage"  # what others use stays
    assert local["remote"]["storage"] == {"password": "pw"}
    set_remote("ssh://ann@host/srv", root=root)
    repo, local, config = _levels(root)
    assert config["core"]["remote"] == "storage"
    assert local["remote"]["storage"] == {"password": "pw"}  # the same place: its secret stays


def test_secrets_and_options_of_another_place_do_not_stay(root):
    set_remote("ssh://ann:pw@host/srv", root=root)
    with Config(dvc_dir=root / ".dvc").edit("repo") as config:
        config["remote"]["storage"]["max_sessions"] = 5
    set_remote("ssh://ann@host/srv", root=root)
    assert _levels(root)[0]["remote"]["storage"]["max_sessions"] == "5"
    set_remote("s3://bucket/path", root=root)
    repo, local, _ = _levels(root)  # as S3, `password` or `max_sessions` would be refused
    assert repo["remote"]["storage"] == {"url": "s3://bucket/path", "verify": "True"}
    assert local["remote"] == {}


@pytest.mark.parametrize(
    ("url", "endpoint", "message"),
    [
        ("", "", "no URL was given"),
        ("ftp://host/x", "", "ftp:// is no kind of remote"),
        ("https://host/x", "", "https:// is no kind of remote"),
        ("ssh:///srv", "", "names no host"),
        ("s3:///path", "", "names no bucket or container"),
        ("webdavs://host/x?token=abc", "", "what follows ? or # has no meaning"),
        ("gs://ann:pw@bucket/x", "", "there is no such user"),
        ("s3://ann@bucket/x", "", "there is no such user"),
        ("ssh://host/x", "http://host", "only an S3 remote has an endpoint"),
        ("/mnt/x", "http://host", "only an S3 remote has an endpoint"),
        ("s3://bucket/x", "host:9000", "no plain http(s) address"),
        ("s3://bucket/x", "http://k:s@host", "no plain http(s) address"),
        ("{root}/../Größe", "", "ASCII only in its configuration, and the url has other letters"),
        ("ssh://ann:pw%C3%BC@host/x", "", "ASCII only in its configuration, and the password has other letters"),
        ("{root}/storage", "", "inside the clone"),
        ("{root}", "", "inside the clone"),
        ("{root}/../a/b", "", "parent folder does not exist"),
        ("{root}/.dvc/config", "", "inside the clone"),
    ],
)
def test_refusals_say_why_and_change_nothing(root, url, endpoint, message):
    before = (root / ".dvc/config").read_text()
    with pytest.raises(InputError) as error:
        set_remote(url.format(root=root), endpoint, root)
    assert message in str(error.value)
    assert not any(secret in str(error.value) for secret in ("pw", "abc", "k:s"))
    assert (root / ".dvc/config").read_text() == before
    assert not (root / ".dvc/config.local").exists()


def test_file_where_a_folder_should_be_is_refused(root, tmp_path):
    (tmp_path / "storage").write_text("")
    with pytest.raises(InputError, match="is a file, not a folder"):
        set_remote(str(tmp_path / "storage"), root=root)


@pytest.mark.parametrize(("scheme", "package"), remotes.PLUGINS.items())
def test_missing_package_is_named_with_the_line_that_installs_it(root, monkeypatch, scheme, package):
    monkeypatch.setattr(remotes, "find_spec", lambda name: None)
    with pytest.raises(InputError) as error:
        set_remote(f"{scheme}://host/x", root=root)
    assert f"uv pip install {package}" in str(error.value)


def test_place_without_dvc_is_refused(tmp_path):
    with pytest.raises(InputError, match="no DVC repository"):
        set_remote("/mnt/x", root=tmp_path)


def test_description_shows_no_secret(root, tmp_path):
    assert describe_remotes(root) == ["There is no remote: `make remote URL=...` sets one"]
    set_remote("s3://AKIA:topsecret@bucket/path", root=root)
    set_remote(str(tmp_path / "storage"), root=root)
    assert describe_remotes(root) == [
        f"local (default): {tmp_path}/storage, from .dvc/config.local",
        "storage: s3://bucket/path, from .dvc/config; secrets of this clone: access_key_id, secret_access_key",
    ]


def test_make_hands_the_url_on_as_it_is_typed(tmp_path):
    from pathlib import Path

    makefile = Path(__file__).parents[3] / "Makefile"
    command = ["make", "-n", "-f", makefile, "remote", "URL=s3://k:$a%20b@bucket/x y", "ENDPOINT=https://h", "READY="]
    shown = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert "radprompt remote 's3://k:$a%20b@bucket/x y' --endpoint 'https://h'" in shown

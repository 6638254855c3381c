"""A clone as on a machine of its own, and a folder as its remote."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

from radprompt.repository.remotes import set_remote

ROOT = Path(__file__).parents[2]


class Clone:
    """A git clone and what is typed in it; it has DVC's caches and a home of its own, as on a machine of its own."""

    def __init__(self, folder):
        self.folder, self.home = folder, folder.parent / f"home of {folder.name}"
        self.home.mkdir()

    def run(self, *command, expect=0):
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "GIT_"))} | {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT / "src"),
            "HOME": str(self.home),
            "DVC_SITE_CACHE_DIR": str(self.home / "dvc"),
            "DVC_NO_ANALYTICS": "1",
        }
        done = subprocess.run(
            command, cwd=self.folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        print(f"{self.folder.name}$ {' '.join(map(str, command))}\n{done.stdout}", end="")
        assert (done.returncode != 0) == bool(expect), done.stdout
        return done.stdout

    def dvc(self, *arguments, expect=0):
        return self.run("dvc", *arguments, expect=expect)

    def connect(self, remote, *, typed=False):
        """Set the remote: as it is typed, or in this process, which is quicker."""
        if typed:
            self.run("radprompt", "remote", *remote.arguments)
        else:
            set_remote(*[argument for argument in remote.arguments if argument != "--endpoint"], root=self.folder)
        for option, value in remote.options.items():
            self.dvc("remote", "modify", "--local", "local", option, value)

    def objects(self):
        return {f.parent.name + f.name: f for f in (self.folder / ".dvc/cache/files/md5").rglob("*") if f.is_file()}

    def assert_cache_is_intact(self):
        for name, file in self.objects().items():
            assert hashlib.md5(file.read_bytes()).hexdigest() == name.removesuffix(".dir"), f"{file} is not its name"


class Folder:
    def __init__(self, folder):
        self.folder, self.options = folder, {}
        self.arguments = [str(folder)]

    def tamper(self, name, content, mode=0o444):
        file = self.folder / "files/md5" / name[:2] / name[2:]
        assert file.is_file(), "the remote never had it"
        file.unlink()
        if content is not None:
            file.write_bytes(content)
            file.chmod(mode)

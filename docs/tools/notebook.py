"""Run a notebook of ``examples/`` from top to bottom and write its outputs into it, without times and versions.

python docs/tools/notebook.py examples/first_steps.ipynb
"""

import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from traitlets.config import Config

ROOT = Path(__file__).parents[2]


def executed(notebook: Path, folder: Path) -> nbformat.NotebookNode:
    """Return the notebook with the outputs that its cells have now, run in ``folder``."""
    content = nbformat.read(notebook, as_version=4)
    config = Config()
    config.KernelManager.transport = "ipc"  # sockets of files, not of the network
    with tempfile.TemporaryDirectory() as sockets:
        config.KernelManager.ip = f"{sockets}/kernel"
        # What a cell prints is one output, however many messages it came in.
        client = NotebookClient(content, timeout=600, record_timing=False, coalesce_streams=True, config=config)
        client.execute(cwd=str(folder))
    content.metadata.language_info = {"name": "python"}
    return content


if __name__ == "__main__":
    for name in sys.argv[1:]:
        nbformat.write(executed(Path(name), ROOT), name)

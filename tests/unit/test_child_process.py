"""Real processes: whatever ends the one that waits ends those that it started."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import psutil
import pytest

from radprompt.core.child_process import run_group

GRANDCHILD = "import sys; open(sys.argv[1], 'w').write(str(__import__('os').getpid())); sys.stdin.read()"
CHILD = f"""
import subprocess, sys
subprocess.Popen([sys.executable, "-c", {GRANDCHILD!r}, sys.argv[1] + ".part"], stdin=subprocess.PIPE).wait()
"""
PARENT = """
import os, signal, sys
from pathlib import Path
from radprompt.core.child_process import run_group
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
run_group([sys.executable, "-c", sys.argv[1], sys.argv[2]], Path(), os.environ)
"""


def test_status_folder_and_environment_are_the_commands(tmp_path):
    code = "import os, sys; open(os.environ['NAME'], 'w').close(); sys.exit(3)"
    assert run_group([sys.executable, "-c", code], tmp_path, os.environ | {"NAME": "made"}) == 3
    assert (tmp_path / "made").is_file()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGKILL])
def test_a_signal_ends_children_and_grandchildren(tmp_path, number):
    fifo = tmp_path / "pid.part"
    os.mkfifo(fifo)  # opening it waits until the grandchild writes
    command = [sys.executable, "-c", PARENT, textwrap.dedent(CHILD), str(tmp_path / "pid")]
    parent = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    grandchild = psutil.Process(int(fifo.read_text()))
    child = grandchild.parent()
    parent.send_signal(number)
    assert parent.wait(60) != 0
    gone, alive = psutil.wait_procs([child, grandchild], timeout=60)
    for process in alive:
        process.kill()
    assert alive == []
    assert len(gone) == 2


def test_handlers_are_put_back():
    before = signal.getsignal(signal.SIGTERM)
    run_group([sys.executable, "-c", ""], Path(), os.environ)
    assert signal.getsignal(signal.SIGTERM) is before


WORKERS = """
import multiprocessing, signal
from radprompt.core.child_process import signals_raise

def handler(_):
    return signal.getsignal(signal.SIGTERM) is signal.SIG_DFL and signal.getsignal(signal.SIGHUP) is signal.SIG_DFL

with signals_raise():
    assert signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL
    for _ in range(20):  # a worker that is ended while it begins to wait for work slept on, once in a while
        with multiprocessing.get_context("fork").Pool(4) as pool:
            assert all(pool.map(handler, range(4)))
print("ended")
"""


FORKED = """
import os, signal
from radprompt.core.child_process import signals_raise

with signals_raise():
    # A hook registered first runs last before a fork and first in the child: the signal comes as early as it can.
    pid = os.fork()
    if pid == 0:
        signal.pause()
    _, status = os.waitpid(pid, 0)
print(signal.Signals(os.WTERMSIG(status)).name, signal.pthread_sigmask(signal.SIG_BLOCK, []))
"""
EARLY = "import os, signal; os.register_at_fork(after_in_child=lambda: os.kill(os.getpid(), signal.SIGTERM))"


def test_a_signal_right_after_the_fork_is_not_forgotten():
    done = subprocess.run([sys.executable, "-c", EARLY + FORKED], capture_output=True, text=True, timeout=60)
    assert done.stdout == "SIGTERM set()\n", done.stderr


def test_signals_end_forked_workers_at_once():
    done = subprocess.run([sys.executable, "-c", WORKERS], capture_output=True, text=True, timeout=60)
    assert done.stdout == "ended\n", done.stderr

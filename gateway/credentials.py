"""The bearer keys that this process knows: a copy of the catalogue's list, renewed every seconds.

Here belongs answering without the database whether a key is good. Making, rotating and revoking
keys belongs to the catalogue; what a role may do, to the endpoints. A database that is gone leaves
the last list in force: partners and kiosks go on.
"""

import hmac
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from gateway.problems import Code, Refused
from gateway.single_flight import SingleFlight
from inventory.catalogue import Credential, presented

KEY_PREFIX = "dgk_"
_NOBODY = b"\0" * 32


@dataclass(frozen=True, slots=True)
class BadKey:
    """The key proves nothing; `expired` when it would have, before."""

    expired: bool = False


class Credentials:
    """The keys in force, by id."""

    def __init__(self, load: Callable[[], Awaitable[Sequence[Credential]]]) -> None:
        self._load = load
        self._known: dict[str, Credential] | None = None
        self._proved: dict[str, Credential] = {}
        """Texts that proved one of these keys: one for each at most, until they are read again."""
        self._reading: SingleFlight[int] = SingleFlight()
        self.refreshed_at: float | None = None
        """When the list was read last, by time.monotonic(); None before the first time."""

    async def refresh(self) -> int:
        """Read the list again, from now on; how many keys are in force. Raises Fault."""
        return await self._reading.run(self._read)

    async def _read(self) -> int:
        known = await self._load()
        self._known = {one.id: one for one in known}
        self._proved = {}
        self.refreshed_at = time.monotonic()
        return len(known)

    def known(self, id: str) -> Credential | None:
        """The key of an id, as it was read last."""
        return None if self._known is None else self._known.get(id)

    def check(self, text: str, now_s: float) -> Credential | BadKey:
        """The credential that a key's text proves. Raises Refused when no list was ever read."""
        if self._known is None:
            raise Refused(Code.NOT_READY, "The keys have not been read yet.")
        known = self._proved.get(text) or self._proof(text, self._known)
        if known is None:
            return BadKey()
        if known.expires_at_ms is not None and now_s * 1000 >= known.expires_at_ms:
            return BadKey(expired=True)
        return known

    def _proof(self, text: str, keys: Mapping[str, Credential]) -> Credential | None:
        shown = presented(text)
        if shown is None:
            return None
        known = keys.get(shown.id)
        # Compared even when the id is unknown, so that time does not tell which ids exist.
        secret = _NOBODY if known is None else known.secret_sha256
        same = hmac.compare_digest(secret, shown.secret_sha256)
        if known is None or not same or known.role != shown.role:
            return None
        self._proved[text] = known
        return known

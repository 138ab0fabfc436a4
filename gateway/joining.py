"""Who joins too often: bounds by account and by network, and work where many join from one.

Counted in this process alone: behind N processes a network may do N times as much. Ordinary
visitors never meet any of it; where a network is busy their browser works a moment, and nobody is
asked to prove anything. Who may go in, and when, is the room's; here only the number of askers is.
"""

import math
import time
from collections import OrderedDict

from aiohttp import web

from gateway.clients import Clients
from gateway.limits import Pace
from gateway.problems import Code, Refused
from gateway.shelves import Shelf
from gateway.work import Errand, Work

ACCOUNT_BURST = 20
ACCOUNT_PER_MINUTE = 12
ACCOUNTS_MAX = 50_000
NETWORK_BURST = 10_000
NETWORK_PER_MINUTE = 120
NETWORKS_MAX = 50_000
QUIET_MAX = 200
"""Recent joins from one network up to which joining costs nothing."""
TRIES_MIN = 128
"""A try is 0.2 ms of a desktop, 1 ms of a phone: a busy network's first price is a moment."""
DOUBLINGS_MAX = 6
SAYS = {
    "missing": "Many have joined from your network. Let the browser work for it (ALTCHA).",
    "expired": "The challenge was solved too late; here is another.",
    "too_cheap": "Still more have joined meanwhile; here is a harder challenge.",
}
NO_GOOD = "That does not solve a challenge of this join; here is another."


class Joining:
    """The bounds of one process. `quiet_max` is for tests."""

    def __init__(self, clients: Clients, work: Work, *, quiet_max: int = QUIET_MAX) -> None:
        self._clients = clients
        self._work = work
        self._quiet_max = quiet_max
        self._accounts = Pace(ACCOUNT_BURST, ACCOUNT_PER_MINUTE, ACCOUNTS_MAX)
        self._last: OrderedDict[str, tuple[str, str]] = OrderedDict()
        """The sale and key by which an account was let in last: sent again, that is no new join."""
        self._networks = Pace(NETWORK_BURST, NETWORK_PER_MINUTE, NETWORKS_MAX)

    def let_in(
        self, request: web.BaseRequest, shelf: Shelf, buyer: str, key: str, solution: str | None
    ) -> None:
        """Count a join that may be asked for. Raises Refused: 429 too many, 403 work is due."""
        now_s, join = time.time(), (shelf.view.id, key)
        network = self._clients.network_of(request)
        _require_patience(self._accounts.wait_s(buyer, now_s), "this account")
        if network:
            _require_patience(self._networks.wait_s(network, now_s), "this network")
        if self._last.pop(buyer, None) != join:
            self._accounts.count(buyer, now_s)  # before the work: each challenge costs us some, too
        if network:
            if shelf.catalogue.room.work == "auto":
                errand = Errand(shelf.view.id, network, buyer, key)
                self._require_work(errand, solution, now_s)
            self._networks.count(network, now_s)  # who has not worked makes nobody's join dearer
        self._last[buyer] = join
        if len(self._last) > ACCOUNTS_MAX:
            self._last.popitem(last=False)

    def tries(self, network: str, now_s: float) -> int:
        """What a join from a network costs now, in tries; 0 while the network is quiet.

        It doubles with the number of recent joins, so that joining often costs more each time.
        """
        recent = self._networks.recent(network, now_s)
        if recent < self._quiet_max:
            return 0
        doublings = int(math.log2(recent / self._quiet_max))
        return TRIES_MIN << min(doublings, DOUBLINGS_MAX)

    def _require_work(self, errand: Errand, solution: str | None, now_s: float) -> None:
        tries = self.tries(errand.network, now_s)
        wrong = self._work.check(solution, errand, tries) if tries else None
        if wrong is not None:
            challenge = self._work.challenge(errand, tries, now_s)
            said = SAYS.get(wrong, NO_GOOD)
            raise Refused(Code.WORK_REQUIRED, said, reason=wrong, work=challenge)


def _require_patience(wait_s: float, whose: str) -> None:
    if wait_s > 0:
        said = f"Too many joins of {whose}."
        raise Refused(Code.TOO_MANY_JOINS, said, retry_after_s=math.ceil(wait_s))

"""Which network a call comes from: the address that a trusted proxy names, else the connection's.

A network is a /24 of IPv4 or a /48 of IPv6: what one household, office or server farm is given.
Private and loopback addresses name no network. Without trusted proxies they are those of our own
front, which speaks for everybody, and whatever `X-Forwarded-For` says is anybody's word.
"""

import logging
from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from aiohttp import web

log = logging.getLogger("dropgate.clients")

HEADER = "X-Forwarded-For"
_PREFIX = {4: 24, 6: 48}
_HOPS_MAX = 16
_UNTRUSTED = (
    "%s sends X-Forwarded-For and is not in DROPGATE_TRUSTED_PROXIES: where it is a proxy of yours,"
    " all that come through it count as one network"
)


class Clients:
    """Knows the trusted proxies of an installation."""

    def __init__(self, trusted: Sequence[str]) -> None:
        self._trusted = [ip_network(one) for one in trusted]
        self._warned = False

    def network_of(self, request: web.BaseRequest) -> str:
        """The network, as `192.0.2.0/24`; "" where none is known, and nothing is to be counted."""
        address = _address(request.remote or "")
        if address is None:
            return ""
        given = request.headers.getall(HEADER, ())
        if given and self._is_trusted(address):
            # Each proxy adds on the right whom it has seen; what stands left of that is hearsay.
            for told in reversed(",".join(given).split(",")[-_HOPS_MAX:]):
                address = _address(told.strip())
                if address is None or not self._is_trusted(address):
                    break
        elif given and address.is_global and not self._warned:
            self._warned = True
            log.warning(_UNTRUSTED, address)
        return "" if address is None else _network(address)

    def _is_trusted(self, address: IPv4Address | IPv6Address) -> bool:
        return any(address in network for network in self._trusted)


@lru_cache(maxsize=10_000)
def _address(text: str) -> IPv4Address | IPv6Address | None:
    """The address that a text begins with; some proxies put a port behind it."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


@lru_cache(maxsize=10_000)
def _network(address: IPv4Address | IPv6Address) -> str:
    if not address.is_global:
        return ""
    return str(ip_network((address, _PREFIX[address.version]), strict=False))

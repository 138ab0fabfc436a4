"""Which network a call is from: only trusted proxies are believed."""

import logging
from typing import Any

import pytest
from aiohttp.test_utils import make_mocked_request

from gateway.clients import Clients

PROXY, NEXT = "10.0.0.1", "10.0.0.2"


def network(peer: str, *forwarded: str, trusted: tuple[str, ...] = ("10.0.0.0/8",)) -> str:
    """The network of a call over a connection from `peer`, with these `X-Forwarded-For`."""
    headers = [("X-Forwarded-For", one) for one in forwarded]
    request = make_mocked_request("GET", "/", headers=headers, transport=_From(peer))
    return Clients(trusted).network_of(request)


class _From:
    """A connection from an address."""

    def __init__(self, peer: str) -> None:
        self._peer = peer

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """What aiohttp asks of a transport."""
        return (self._peer, 1) if name == "peername" else default


@pytest.mark.parametrize(
    ("peer", "expected"),
    [
        ("8.8.8.8", "8.8.8.0/24"),
        ("2a00:1450:4001::1", "2a00:1450:4001::/48"),
        ("::ffff:8.8.8.8", "8.8.8.0/24"),
        ("127.0.0.1", ""),
        ("::1", ""),
        ("192.168.1.7", ""),
        ("fe80::1%eth0", ""),
    ],
)
def test_a_connection_names_its_network(peer: str, expected: str) -> None:
    """A public address names its /24 or /48; a private one is our own front, and names nothing."""
    assert network(peer) == expected


def test_only_a_trusted_proxy_is_believed() -> None:
    """From anybody else the header is not even read."""
    assert network("8.8.8.8", "9.9.9.9") == "8.8.8.0/24"
    assert network(PROXY, "9.9.9.9") == "9.9.9.0/24"
    assert network(PROXY, "9.9.9.9", trusted=()) == ""


def test_the_last_word_that_a_trusted_proxy_adds_counts() -> None:
    """Whatever a client writes itself stands left of what our proxy saw, and moves nothing."""
    assert network(PROXY, "1.1.1.1, 9.9.9.9") == "9.9.9.0/24"
    assert network(PROXY, "1.1.1.1", "9.9.9.9") == "9.9.9.0/24"
    assert network(PROXY, f"1.1.1.1, 9.9.9.9, {NEXT}") == "9.9.9.0/24"
    assert network(PROXY, ", ".join(["1.1.1.1"] * 500 + ["9.9.9.9"])) == "9.9.9.0/24"
    assert network(PROXY, "9.9.9.9, nonsense") == ""
    assert network(PROXY, "9.9.9.9, ") == ""
    assert network(PROXY) == ""


@pytest.mark.parametrize("told", ["9.9.9.9:4711", "[2a00:1450:4001::1]:80", "[2a00:1450:4001::1]"])
def test_a_port_behind_the_address_is_passed_over(told: str) -> None:
    """Some proxies write it."""
    assert network(PROXY, told) in ("9.9.9.0/24", "2a00:1450:4001::/48")


def test_a_proxy_that_was_forgotten_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    """A public address that forwards for others may be our own load balancer: the log says so."""
    clients = Clients(())
    headers = {"X-Forwarded-For": "9.9.9.9"}
    request = make_mocked_request("GET", "/", headers=headers, transport=_From("8.8.8.8"))
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            assert clients.network_of(request) == "8.8.8.0/24"
    assert caplog.text.count("DROPGATE_TRUSTED_PROXIES") == 1

"""A store behind TLS and a password, on the loop that gateways run on.

The wheel's server speaks no TLS: before it stands what ends it, with a certificate that was just
made.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
import uvloop
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import NameOID

import lua.embedded
from inventory import outcomes as out
from lua import NothingHappened, Store
from tests.buying import open_shop
from tests.inventory.conftest import FREE
from tests.lua.test_store import Proxy
from tests.patience import patiently
from tests.servers import HOST, Server, home

PASSWORD = "open:sesame"
SENT = "open%3Asesame"
LARGE = "x" * 3_000_000
"""More than a packet, a record of TLS or a buffer holds."""
pytestmark = pytest.mark.timeout(240)


class Authority:
    """Who signs certificates; `file` is its own."""

    def __init__(self, directory: Path, name: str) -> None:
        self.file = directory / f"{name}.pem"
        self._key, self._name = ec.generate_private_key(ec.SECP256R1()), _named(name)
        own = self._signed(self._name, self._key, x509.BasicConstraints(ca=True, path_length=0))
        self.file.write_bytes(own)

    def certificate(self, host: str) -> ssl.SSLContext:
        """What a server of that address shows."""
        key, file = ec.generate_private_key(ec.SECP256R1()), self.file.with_suffix(f".{host}")
        names = x509.SubjectAlternativeName([x509.IPAddress(ip_address(host))])
        shown = self._signed(_named(host), key, names)
        private = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        file.write_bytes(shown + private)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(file)
        return context

    def _signed(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, what: x509.ExtensionType
    ) -> bytes:
        now = datetime.now(UTC)
        made = x509.CertificateBuilder(
            self._name, subject, key.public_key(), x509.random_serial_number(),
            now - timedelta(days=1), now + timedelta(days=1),
        )  # fmt: skip
        signed = made.add_extension(what, critical=False).sign(self._key, SHA256())
        return signed.public_bytes(serialization.Encoding.PEM)


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


class Ending(Proxy):
    """What ends TLS before a store."""

    async def up(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection to the store."""
        return await asyncio.open_connection(HOST, int(self.target))


@asynccontextmanager
async def standing(shows: ssl.SSLContext, directory: Path) -> AsyncIterator[tuple[int, Ending]]:
    """A store with a password, and before it TLS: its port."""
    server = Server(directory / "store", {**lua.embedded.DURABLE, "requirepass": PASSWORD})
    await server.start()
    ending = Ending(str(server.port))
    listening = await asyncio.start_server(ending.accept, HOST, 0, ssl=shows)
    try:
        yield listening.sockets[0].getsockname()[1], ending
    finally:
        await ending.end()
        listening.close()
        await server.end()


def _fails() -> None:
    raise AssertionError("read again")


def on_uvloop(story: Callable[[Path], Awaitable[None]]) -> Awaitable[None]:
    """Play it on a loop as a gateway's, in a directory of its own."""

    async def played() -> None:
        async with home() as directory:
            await story(directory)

    return asyncio.to_thread(lambda: uvloop.run(played()))


async def test_a_store_behind_tls_serves_as_any() -> None:
    """Scripts run, answers come whole however large, and a line that broke is made again."""

    async def story(directory: Path) -> None:
        trusted = Authority(directory, "ours")
        async with standing(trusted.certificate(HOST), directory) as (port, ending):
            url = f"rediss://:{SENT}@{HOST}:{port}/0?ssl_ca_certs={trusted.file}"
            store = await patiently(lambda: Store.connect(url))
            shop = await open_shop(store, "spring")
            await asyncio.gather(*(shop.sold(f"b{number}", (FREE, 1)) for number in range(50)))
            await store.write("SET", "{a}:large", LARGE)
            assert await store.read("GET", "{a}:large") == LARGE.encode()
            ending.answers_to_lose = 1
            again = await shop.ask(shop.request("eve", (FREE, 1)))
            assert isinstance(again, out.Held)
            assert (again.replayed, ending.lost) == (True, 1), "it ran, and its answer was lost"
            await ending.end()
            await patiently(lambda: shop.sold("fay", (FREE, 1)))
            assert (await shop.counts(FREE))["sold"] == 51
            await store.close()

    await on_uvloop(story)


async def test_many_connections_at_once_are_made_in_their_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The authorities are read once for each server, not by each connection while others wait."""

    async def story(directory: Path) -> None:
        trusted = Authority(directory, "ours")
        async with standing(trusted.certificate(HOST), directory) as (port, ending):
            url = f"rediss://:{SENT}@{HOST}:{port}/0?ssl_ca_certs={trusted.file}"
            store = await patiently(lambda: Store.connect(url))
            monkeypatch.setattr(ssl, "create_default_context", _fails)
            await asyncio.gather(*(store.read("GET", "{a}:none") for _ in range(20)))
            assert len(ending.connections) == 20
            await store.close()

    await on_uvloop(story)


async def test_a_certificate_that_proves_nothing_is_refused() -> None:
    """Another's signature or another's address: nothing is said there, not the password either."""

    async def story(directory: Path) -> None:
        trusted, stranger = Authority(directory, "ours"), Authority(directory, "theirs")
        for shown in (stranger.certificate(HOST), trusted.certificate("127.0.0.9")):
            async with standing(shown, directory) as (port, ending):
                url = f"rediss://:{SENT}@{HOST}:{port}/0?ssl_ca_certs={trusted.file}"
                with pytest.raises(NothingHappened, match="certificate verify failed"):
                    await Store.connect(url)
                assert not ending.connections, "no handshake was finished"

    await on_uvloop(story)


async def test_a_wrong_password_is_told_as_such() -> None:
    """Over TLS as without: nothing happened, and the reason is the credentials."""

    async def story(directory: Path) -> None:
        trusted = Authority(directory, "ours")
        async with standing(trusted.certificate(HOST), directory) as (port, _):
            url = f"rediss://:wrong@{HOST}:{port}/0?ssl_ca_certs={trusted.file}"
            with pytest.raises(NothingHappened, match="refuses our credentials"):
                await Store.connect(url)

    await on_uvloop(story)


async def test_a_primary_with_a_password_is_found_by_its_sentinel() -> None:
    """The sentinel is asked without, the primary with the password of the URL."""
    async with home() as directory:
        primary = Server(directory / "0", {**lua.embedded.DURABLE, "requirepass": PASSWORD})
        file = directory / "sentinel.conf"
        lines = (f"monitor shop {HOST} {primary.port} 1", f"auth-pass shop {PASSWORD}")
        file.write_text("".join(f"sentinel {line}\n" for line in lines))
        sentinel = Server(directory / "s", first=(str(file), "--sentinel"))
        try:
            await primary.start()
            await sentinel.start()
            watched = f"{HOST}:{sentinel.port}/shop"
            store = await patiently(lambda: Store.connect(f"redis-sentinel://:{SENT}@{watched}"))
            shop = await open_shop(store, "spring")
            await shop.sold("ann", (FREE, 1))
            await store.close()
            with pytest.raises(NothingHappened, match=r"credentials|NOAUTH"):
                await Store.connect(f"redis-sentinel://{watched}")
        finally:
            await sentinel.end()
            await primary.end()

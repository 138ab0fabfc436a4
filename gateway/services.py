"""The wiring of a gateway process: every part, made once and handed to those that need it.

Here and nowhere else parts are put together. No part is a global; no part reads the environment.
"""

import time
from importlib.metadata import version
from typing import Self

from gateway.allotment_desk import AllotmentDesk
from gateway.auth import Auth
from gateway.batches import Batches
from gateway.board import Board
from gateway.books_desk import BooksDesk
from gateway.brakes import Brakes
from gateway.clients import Clients
from gateway.config import Settings
from gateway.counting import Counts
from gateway.credentials import Credentials
from gateway.door import Door
from gateway.drawing import Drawer
from gateway.fairness import FairnessDesk
from gateway.fencing import Fencing
from gateway.fleet import SummedPage
from gateway.frames import Frames
from gateway.gate import Gate
from gateway.housekeeping import Housekeeping
from gateway.joining import Joining
from gateway.journal import Journal
from gateway.keeping import KeepingDesk
from gateway.keyring import Key, Keyring
from gateway.leaving import Leavers
from gateway.link import Link
from gateway.meters import Meters
from gateway.metrics import MeteredStore, Metrics
from gateway.operator_desk import OperatorDesk
from gateway.partner_desk import PartnerDesk
from gateway.problems import Code, Refused
from gateway.published_keys import PublishedKeys
from gateway.recalling import RecallDesk
from gateway.redeeming import KioskDesk
from gateway.room_keeping import RoomKeeping
from gateway.room_watch import RoomWatch
from gateway.sale_desk import SaleDesk
from gateway.seating import Seating
from gateway.shelves import Shelves
from gateway.showing import Showing
from gateway.site import Site
from gateway.streams import Streams
from gateway.till import Till
from gateway.watching import Watch
from gateway.window import Window
from gateway.words import Languages
from gateway.work import Work
from inventory.allotments import Allotments
from inventory.catalogue import Catalogue, Credential, OutsideCodes
from inventory.codes import CodeKey, Codes
from inventory.ids import Identities
from inventory.lending import Lending
from inventory.orders import Orders
from inventory.stock import Stock
from inventory.withheld import Withheld
from queueing import PassKeys, Rooms
from settlement import Books

STORE_STALE_S = 2.0
DATABASE_STALE_S = 5.0
"""What was last read longer ago than this says that its server does not answer."""


class Services:
    """All parts of one gateway process."""

    def __init__(
        self, settings: Settings, keyring: Keyring, store: MeteredStore, books: Books
    ) -> None:
        self.settings = settings
        self.store = store
        self.books = books
        self.gate = Gate()
        self.metrics = Metrics(version("dropgate"))
        self.openapi = b""
        """The description of all routes; set by whoever knows them all."""
        self.site = Site.read()
        self.languages = Languages()
        store.metrics = self.metrics

        sealed = OutsideCodes(
            seal=_code_keys(keyring, "outside_seal"),
            digest_key=keyring.current("outside_hash").secret,
        )
        self.catalogue = Link(lambda: Catalogue.connect(settings.database_url, sealed))
        codes = _codes(keyring)
        self.identities = Identities(
            order=keyring.current("order").secret, buyer=keyring.current("buyer").secret
        )
        self.orders = Orders(store)
        self.lending = Lending(store)
        self.shelves = Shelves(store, sealed)
        self.counts = Counts(Stock(store))
        self._add_room(keyring)
        self.credentials = Credentials(self._keys_in_force)
        self.auth = Auth(self.credentials, self.identities, self.rooms)

        self.till = Till(self.orders, self.rooms, self.meters, self.metrics)
        self.showing = Showing(codes)
        self.window = Window(self.counts, self.frames, test_mode=settings.test_mode)
        self.seating = Seating(Stock(store))
        self.batches = Batches(self.shelves, self.till, self.showing, self.identities)
        self.kiosks = KioskDesk(store, codes, self.shelves, self.credentials, self.metrics)
        self._add_desks(keyring)
        self.watch = Watch(self)
        self.fencing = Fencing(self)
        self.room_keeping = RoomKeeping(self)
        self.housekeeping = Housekeeping(self)
        self.fleet = SummedPage(self.own_metrics, self.other_ports)

    def _add_room(self, keyring: Keyring) -> None:
        """The waiting room and what shows it."""
        self.rooms = _rooms(keyring, self.store)
        self.published_keys = PublishedKeys(keyring)
        self.frames = Frames(self.rooms)
        self.leavers = Leavers(self.store, self.identities, self.rooms)
        self.drawer = Drawer(self.rooms, self.frames)
        self.fairness = FairnessDesk(self.rooms)
        self.streams = Streams(self.frames, self.gate, self.metrics)
        self.meters = Meters()
        self.door = Door(self.rooms, self.meters, self.metrics)
        self.room_watch = RoomWatch(self.metrics)
        self.brakes = Brakes(self)
        clients = Clients(self.settings.trusted_proxies)
        self.joining = Joining(clients, Work(keyring.current("place").secret))

    def _add_desks(self, keyring: Keyring) -> None:
        """The desks of partners and operators."""
        store, shelves = self.store, self.shelves
        self.allotments = AllotmentDesk(Allotments(store), self.showing)
        self.partner_desk = PartnerDesk(
            self.catalogue, self.credentials, shelves, keyring.current("order").secret
        )
        self.books_desk = BooksDesk(self.books, shelves)
        self.board = Board(self.frames, self.counts)
        self.journal = Journal(self)
        self.recalls = RecallDesk(Allotments(store))
        self.keeping = KeepingDesk(Withheld(store))
        self.sale_desk = SaleDesk(store, self.rooms)
        self.operators = OperatorDesk(store, self.books, self.catalogue, self.sale_desk, shelves)

    @classmethod
    async def open(cls, settings: Settings) -> Self:
        """Connect, read what must be known, and start the loops.

        Raises NotDurable, NothingHappened when the store is not there, KeyringFailed.
        """
        keyring = Keyring.load(settings.keys)
        store = await MeteredStore.connect(
            settings.store_url,
            assume_durable=settings.assume_durable,
            replicas=settings.replicas_awaited,
        )
        services = cls(settings, keyring, store, await Books.connect(settings.database_url))
        try:
            await services.housekeeping.start()
        except BaseException:
            await services.close()
            raise
        return services

    async def close(self) -> None:
        """End the streams, stop the loops and close all connections."""
        self.gate.drain()
        await self.streams.end()
        await self.housekeeping.stop()
        for part in (self.door, self.till, self.kiosks, self.counts, self.seating):
            await part.idle()  # whoever asked may be gone; the store's answer is still on its way
        await self.drawer.close()
        await self.fencing.close()
        await self.catalogue.close()
        await self.books.close()
        await self.store.close()

    @property
    def other_ports(self) -> list[str]:
        """The own ports of the other processes, `host:port`."""
        own = f"{self.settings.metrics_host}:{self.settings.metrics_port}"
        return [peer for peer in self.settings.metrics_peers if peer != own]

    def own_metrics(self) -> bytes:
        """What this process has counted, as Prometheus reads it."""
        self.metrics.in_flight.set(self.gate.in_flight)
        self.metrics.streams.set(len(self.streams))
        self.room_watch.tell_age()
        self.metrics.ready.set(not self.not_ready_because())
        self.metrics.draining.set(self.gate.draining)
        self.metrics.unreadable.set(len(self.shelves.unreadable))
        self.metrics.memory_bytes.set(self.store.memory.bytes)
        self.metrics.memory_dropped.set(self.store.memory.dropped)
        return self.metrics.page()

    def not_ready_because(self) -> list[str]:
        """What keeps this process from taking traffic; nothing when it does."""
        why = []
        if self.gate.draining:
            why.append("it is draining")
        if _is_stale(self.shelves.refreshed_at, STORE_STALE_S):
            why.append("the store does not answer")
        if _is_stale(self.credentials.refreshed_at, DATABASE_STALE_S):
            why.append("the database does not answer")
        return why

    def warnings(self) -> list[str]:
        """What is wrong while traffic is welcome all the same."""
        unreadable = [
            f"the sale {name} is refused: what the store has of it cannot be read"
            for name in sorted(self.shelves.unreadable)
        ]
        return unreadable + self.fencing.warnings()

    def require_ready(self) -> None:
        """Raise Refused (503) when traffic is not welcome here."""
        why = self.not_ready_because()
        if why:
            raise Refused(Code.NOT_READY, "; ".join(why + self.fencing.warnings()))

    async def _keys_in_force(self) -> list[Credential]:
        return await (await self.catalogue.get()).credentials()


def _is_stale(read_at: float | None, limit_s: float) -> bool:
    return read_at is None or time.monotonic() - read_at > limit_s


def _pairs(keys: tuple[Key, ...]) -> list[tuple[int, bytes]]:
    return [(key.kid, key.secret) for key in keys]


def _code_keys(keyring: Keyring, name: str) -> list[CodeKey]:
    return [CodeKey(key.kid, key.secret) for key in keyring.all(name)]


def _codes(keyring: Keyring) -> Codes:
    signing = keyring.current("code_sign")
    return Codes(_code_keys(keyring, "code_mac"), signing.secret, signing.kid)


def _rooms(keyring: Keyring, store: MeteredStore) -> Rooms:
    names = keyring.current("order").secret  # of records: it never rotates
    passes = PassKeys(names, _pairs(keyring.all("pass_mac")), _pairs(keyring.all("pass_sign")))
    return Rooms(store, _pairs(keyring.all("place")), passes, keyring.current("draw").secret)

"""Bringing a sale to what a file says: plan, write, publish; finish first what was interrupted."""

from collections import Counter
from dataclasses import dataclass

from inventory.catalogue.known import Known, SaleDocument
from inventory.catalogue.lot_tables import Connection, read_outside
from inventory.catalogue.planning import Plan, Standing, Step, Work, plan_parts
from inventory.catalogue.publishing import Publication
from inventory.catalogue.sealing import OutsideCodes
from inventory.catalogue.shelving import Progress, Shelf
from inventory.catalogue.tables import NUMBERS_MAX, last_number, next_number, read_known, write_work
from inventory.catalogue.unit_plan import UnitPlan
from inventory.salefile import SaleFile, layouts_of

# Fewer buckets make a batch cheaper, for each is read and written once a call; a larger one stalls
# the store when it is read whole or moved to another shard: 1.0 and 1.6 ms for 1,000 orders.
UNITS_PER_BUCKET = 32_768
BUCKETS_MIN, BUCKETS_MAX = 16, 32_768


@dataclass(frozen=True, slots=True)
class Published:
    """The sale is in the store as the file says; `changed` is False when it was before."""

    sale: str
    number: int
    revision: int
    units_added: int
    changed: bool


@dataclass(frozen=True, slots=True)
class Refused:
    """Nothing was changed; `plan.refusals` says why."""

    plan: Plan


@dataclass(frozen=True, slots=True)
class OtherRevision:
    """Somebody else was faster: the sale has this revision (0: it does not exist)."""

    current: int


@dataclass(frozen=True, slots=True)
class Unfinished:
    """The tables have the revision, but the store refused parts of it; apply again when mended."""

    revision: int
    refusals: tuple[Step, ...]


PublishOutcome = Published | Refused | OtherRevision | Unfinished


@dataclass(frozen=True, slots=True)
class Application:
    """One sale file being applied, on a connection that alone publishes the sale."""

    connection: Connection
    sale_file: SaleFile
    shelf: Shelf
    codes: OutsideCodes
    now_ms: int

    async def plan(self, known: Known | None) -> tuple[Work, Plan]:
        """What the file adds and changes; nothing is written."""
        rules = self.sale_file.sale
        before = known or _blank(self.sale_file)
        standing, lost = await self._standing(known)
        work = Work()
        plan_parts(before, self.sale_file, standing, work)
        outside = await read_outside(self.connection, rules.id)
        UnitPlan(before, self.sale_file, standing, work, codes=self.codes, outside=outside).run()
        if lost:
            told = "the store does not know this sale any more; restore the store first"
            work.refuse("sale", rules.id, told)
        if standing.state == "closed" and not work.is_empty:
            work.refuse("sale", rules.id, "is closed; nothing of it may change")
        if known is None and await last_number(self.connection) >= NUMBERS_MAX:
            work.refuse("sale", rules.id, f"all {NUMBERS_MAX} numbers of sales are given")
        plan = Plan(
            sale=rules.id,
            revision=before.revision + (not work.is_empty),
            is_new=known is None,
            additions=tuple(work.additions),
            changes=tuple(work.changes),
            refusals=tuple(work.refusals),
            units_added=sum(lot.units for lot in work.lots),
            is_pending=before.published < before.revision,
        )
        return work, plan

    async def run(
        self, *, actor: str, expected_revision: int | None, progress: Progress
    ) -> PublishOutcome:
        """Finish what was begun, plan, write, publish."""
        sale = self.sale_file.sale.id
        known = await read_known(self.connection, sale)
        if known and known.published < known.revision:
            # The plan counts what is in the store, so the store must have all of it.
            refused = await self._publish(known, actor, progress)
            if refused:
                return Unfinished(known.revision, tuple(refused))
            known.published = known.revision
        work, plan = await self.plan(known)
        current = known.revision if known else 0
        if known and work.is_empty and not plan.refusals:
            return Published(sale, known.number, current, 0, changed=False)
        if expected_revision is not None and expected_revision != current:
            return OtherRevision(current)
        if plan.refusals:
            return Refused(plan)
        written = await self._write(known or _blank(self.sale_file), work, actor)
        refused = await self._publish(written, actor, progress)
        if refused:
            return Unfinished(written.revision, tuple(refused))
        return Published(sale, written.number, written.revision, plan.units_added, changed=True)

    async def _write(self, known: Known, work: Work, actor: str) -> Known:
        file = self.sale_file
        document = SaleDocument(
            sale=file.sale,
            room=file.room,
            drops=file.drops,
            logins=file.logins,
            payments=file.payments,
            lanes=file.lanes,
        )
        async with self.connection.transaction():
            if not known.revision:
                known.number = await next_number(self.connection)
            await write_work(self.connection, known, document, work, self.codes, actor=actor)
        written = await read_known(self.connection, known.id)
        assert written is not None, "it was written a moment ago, under the sale's lock"
        return written

    async def _publish(self, known: Known, actor: str, progress: Progress) -> list[Step]:
        return await Publication(
            self.connection,
            known,
            self.shelf,
            actor=actor,
            now_ms=self.now_ms,
            progress=progress,
        ).run()

    async def _standing(self, known: Known | None) -> tuple[Standing, bool]:
        """How the sale stands, and whether the store has lost it."""
        now_ms = self.now_ms or await self.connection.fetchval(
            "select floor(extract(epoch from clock_timestamp()) * 1000)::bigint"
        )
        if known is None:
            return Standing(None, now_ms), False
        view = await self.shelf.sales.view(known.id)
        off_shelf: Counter[int] = Counter()
        if view is not None:
            for stripe in range(view.stripes):
                for one in await self.shelf.stock.counts(view, stripe):
                    off_shelf[one.offer] += one.released - one.available
        numbers = {offer.number: offer.taken_in for offer in known.offers.values()}
        left = {number: units - off_shelf[number] for number, units in numbers.items()}
        untouched = frozenset(number for number in numbers if not off_shelf[number])
        state = view.state if view else None
        return Standing(state, now_ms, left, untouched), view is None and known.published > 0


def _blank(file: SaleFile) -> Known:
    """A sale that is not there yet; `buckets` is for ever, so it is chosen for the whole sale."""
    halls = layouts_of(file.seats)
    units = len(file.codes) + sum(
        halls[offer.layout].seats if offer.layout else offer.units for offer in file.offers
    )
    buckets = BUCKETS_MIN
    while buckets < BUCKETS_MAX and buckets * UNITS_PER_BUCKET < units:
        buckets *= 2
    return Known(
        id=file.sale.id,
        number=0,
        revision=0,
        published=0,
        buckets=buckets,
        next_serial=1,
        document=SaleDocument(sale=file.sale, room=file.room, drops=[], logins=[], payments=[]),
    )

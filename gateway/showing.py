"""How orders are shown to those who own them: names for numbers, and the codes of sold units.

Codes leave the process here and in the allotments' export, nowhere else; they are made (minted) or
opened (imported) at this moment and kept nowhere.
"""

import io
from collections.abc import Iterable, Sequence

import segno
from aiohttp import web

from gateway.answers import OrderAnswer, UnitAnswer
from gateway.complete import Complete
from gateway.order_outcomes import Told
from gateway.problems import Code, Problem, problem
from gateway.responses import answer, raw, refusal
from gateway.shelves import Shelf
from inventory.codes import Codes
from inventory.outcomes import Order
from lua.faults import MayHaveHappened, NothingHappened

SHOWN_STATES = ("sold", "redeemed")
QR_SCALE = 6


class Showing:
    """Shows orders and codes of one process."""

    def __init__(self, codes: Codes) -> None:
        self._codes = codes

    async def respond(self, shelf: Shelf, told: Told) -> web.Response:
        """The answer to an order's verb."""
        if isinstance(told, Problem):
            return refusal(told)
        shown = await self.orders(shelf, [told.order])
        return answer(shown[0], told.status, replayed=told.replayed)

    def at_once(self, shelf: Shelf, told: Told) -> Complete:
        """The same, of an order whose codes are all ours: nothing has to be read."""
        if isinstance(told, Problem):
            return refusal(told)
        return answer(self._order(shelf, told.order, {}), told.status, replayed=told.replayed)

    async def qr(self, shelf: Shelf, told: Told, position: int) -> web.Response:
        """The QR of the order's unit at `position`, counted from 1."""
        if isinstance(told, Problem):
            return refusal(told)
        units = told.order.units
        if position > len(units) or units[position - 1].state not in SHOWN_STATES:
            return refusal(problem(Code.NO_CODE))
        unit = units[position - 1]
        code = (await self.codes_of(shelf, [(unit.serial, unit.generation)])).get(unit.serial)
        if code is None:
            return refusal(problem(Code.NO_CODE))
        return raw(self._svg(code, minted=not shelf.is_outside(unit.serial)), "image/svg+xml")

    async def orders(self, shelf: Shelf, orders: Sequence[Order]) -> list[OrderAnswer]:
        """The orders as their owners see them; all codes in one reading.

        An order stands whether or not its codes can be read: raises MayHaveHappened.
        """
        outside: dict[int, str] = {}
        if shelf.has_outside_codes:
            shown = [unit for one in orders for unit in one.units if unit.state in SHOWN_STATES]
            wanted = [(u.serial, u.generation) for u in shown if shelf.is_outside(u.serial)]
            try:
                outside = await self.codes_of(shelf, wanted)
            except NothingHappened as fault:
                raise MayHaveHappened(f"the codes of an order cannot be read: {fault}") from fault
        return [self._order(shelf, order, outside) for order in orders]

    async def codes_of(self, shelf: Shelf, units: Iterable[tuple[int, int]]) -> dict[int, str]:
        """The codes of units given as (serial, generation), by serial; minted or imported."""
        found: dict[int, str] = {}
        for serial, generation in units:
            if not shelf.is_outside(serial):
                found[serial] = self._codes.mint(shelf.view.number, serial, generation)
                continue
            code = await shelf.catalogue.outside_code(serial)
            if code is not None:
                found[serial] = code
        return found

    def _order(self, shelf: Shelf, order: Order, outside: dict[int, str]) -> OrderAnswer:
        mint, number, sale = self._codes.mint, shelf.view.number, shelf.catalogue
        units = []
        for position, unit in enumerate(order.units, start=1):
            serial, offer, code = unit.serial, sale.offer(unit.offer), None
            if unit.state in SHOWN_STATES:
                if offer is not None and offer.record.codes == "outside":
                    code = outside.get(serial)
                else:
                    code = mint(number, serial, unit.generation)
            units.append(
                UnitAnswer(
                    # A revision that this process does not know yet may have new offers.
                    offer=str(unit.offer) if offer is None else offer.record.offer,
                    unit=serial,
                    price_minor=unit.price_minor,
                    state=unit.state,
                    seat=None if offer is None or offer.layout is None else shelf.seat(serial),
                    code=code,
                    qr=f"/v1/orders/{order.id}/codes/{position}.svg" if code else None,
                )
            )
        return _answer(shelf, order, units)

    def _svg(self, code: str, *, minted: bool) -> bytes:
        # What a venue minted is shown as the venue's own readers know it, without our signature.
        text = self._codes.qr_text(code) if minted else code
        written = io.BytesIO()
        segno.make_qr(text, error="m").save(written, kind="svg", scale=QR_SCALE, xmldecl=False)
        return written.getvalue()


def _answer(shelf: Shelf, order: Order, units: list[UnitAnswer]) -> OrderAnswer:
    return OrderAnswer(
        id=order.id,
        sale=shelf.view.id,
        state=order.state,
        amount_minor=order.amount_minor,
        refunded_minor=order.refunded_minor,
        currency=shelf.view.currency,
        held_at_ms=order.held_at_ms,
        expires_at_ms=order.expires_at_ms,
        units=units,
        reference=order.reference or None,
    )

"""One offer of a slot in plain values: which of its units are free, in the order they are taken.

It moves units as `lua/include/taking.lua` does, so that after the same facts it is the same offer.
"""

from bisect import insort
from dataclasses import dataclass, field

from inventory.records import PackedOffer
from inventory.stock import OfferRecord

RANGE_UNITS = 64
"""Units that are freed as a range of this many or more cost the slot a range, not an entry each."""
SINGLES_BELOW = 8
"""A range that is received and has less units is kept as single units."""
_FREE, _TAKEN = ord("1"), ord("0")


class BadStory(Exception):
    """Facts do not fit together; the message says which and why."""


@dataclass(slots=True)
class ShelfOffer:
    """An offer: its rules, its free units and its counters.

    Units of a pooled offer are taken from `back`, then from `next` to `end`, then from `more`
    (first and end of each range). A seated offer has `seats` instead.
    """

    record: OfferRecord
    next: int
    end: int
    more: list[int] = field(default_factory=list)
    back: set[int] = field(default_factory=set)
    seats: bytearray = field(default_factory=bytearray)
    withheld: list[tuple[int, int]] = field(default_factory=list)
    released: int = 0
    available: int = 0
    held: int = 0
    allotted: int = 0
    sold: int = 0
    redeemed: int = 0
    voided: int = 0
    returned: int = 0
    moving: int = 0
    came: int = 0
    high: int | None = None

    @classmethod
    def empty(cls, record: OfferRecord) -> "ShelfOffer":
        """An offer as it was put on the shelf's list, before its first lot."""
        seats = bytearray(record.layout, "ascii")
        return cls(record, record.base, record.base, seats=seats)

    def stock(self, first: int, count: int) -> None:
        """New units."""
        if self.seats:
            self._mark(first, count, _FREE)
        elif self.end == first and not self.more:
            self.end = first + count
        else:
            self.more += [first, first + count]
        self.released += count
        self._came(count)
        if self.high is not None:
            self.high = first + count

    def take(self, serials: list[int]) -> None:
        """Take these units out of what is free. Raises BadStory when one is not."""
        for serial in serials:
            if self.seats:
                self._take_seats(serial, 1)
            elif serial in self.back:
                self.back.discard(serial)
            else:
                while self.next == self.end and self.more:
                    self.next, self.end = self.more.pop(0), self.more.pop(0)
                if serial == self.next < self.end:
                    self.next += 1
                else:
                    self._take_far(serial, 1)
        self.available -= len(serials)

    def take_range(self, first: int, count: int) -> None:
        """The same for a range."""
        if self.seats:
            self._take_seats(first, count)
        else:
            at = first
            while at < first + count:
                if at in self.back:
                    self.back.discard(at)
                    at += 1
                else:
                    at += self._take_far(at, first + count - at)
        self.available -= count

    def give(self, serials: list[int]) -> None:
        """Units come back, one by one."""
        if self.seats:
            for serial in serials:
                self._mark(serial, 1, _FREE)
        else:
            self.back.update(serials)
        self._came(len(serials))

    def lend(self, ranges: list[int], backs: list[int]) -> None:
        """Units leave for another stripe, ranges from the far end."""
        self._keep_high()
        for first, count in zip(ranges[::2], ranges[1::2], strict=True):
            past, more = first + count, self.more
            while more and more[-2] == more[-1]:
                del more[-2:]
            if more and more[-1] == past and more[-2] < first:
                more[-1] = first
            elif not more and self.end == past and self.next <= first:
                self.end = first
            else:
                self._take_far(first, count)
        if not self.back.issuperset(backs):
            raise BadStory(f"units of offer {self.record.number} are lent and were not free")
        self.back.difference_update(backs)
        units = sum(ranges[1::2]) + len(backs)
        self.available -= units
        self.moving += units

    def receive(self, ranges: list[int], backs: list[int]) -> None:
        """Units arrive from another stripe."""
        self._keep_high()
        self.back.update(backs)
        for first, count in zip(ranges[::2], ranges[1::2], strict=True):
            if count < SINGLES_BELOW:
                self.back.update(range(first, first + count))
            elif self.next == self.end:
                self.next, self.end = first, first + count
            else:
                self.more += [first, first + count]
        units = sum(ranges[1::2]) + len(backs)
        self.moving -= units
        self._came(units)

    def withhold(self, first: int, count: int) -> None:
        """Keep free units back; they count as held."""
        self.take_range(first, count)
        self.held += count
        insort(self.withheld, (first, count))

    def free_withheld(self, first: int, count: int) -> None:
        """Put withheld units on sale again."""
        past = first + count
        for low, units in self.withheld:
            high = low + units
            if low <= first and past <= high:
                break
        else:
            raise BadStory(f"units {first} to {past - 1} are freed and were not withheld")
        self.withheld.remove((low, units))
        rests = ((low, first - low), (past, high - past))
        for rest in rests:
            if rest[1]:
                insort(self.withheld, rest)
        self.held -= count
        if self.seats or count < RANGE_UNITS:
            self.give(list(range(first, past)))
            return
        self.more[:0] = [self.next, self.end]
        self.next, self.end = first, past
        self._came(count)

    def is_free(self, serial: int) -> bool:
        """Whether a unit can be taken."""
        if self.seats:
            at = serial - self.record.base
            return 0 <= at < len(self.seats) and self.seats[at] == _FREE
        if serial in self.back:
            return True
        return any(low <= serial < high for low, high in self._ranges())

    def free_ranges(self) -> list[tuple[int, int]]:
        """(first, count) of all free units, in the order in which they would be taken."""
        if self.seats:
            return self._free_seats()
        # The sorted set gives serials of one score in the order of their digits.
        singles = [(serial, 1) for serial in sorted(self.back, key=str)]
        return singles + [(low, high - low) for low, high in self._ranges() if high > low]

    def packed(self) -> PackedOffer:
        """The record as the scripts keep it."""
        one = self.record
        return PackedOffer(
            venue=one.venue,
            kind=one.kind[0],
            drop=one.drop,
            price_minor=one.price_minor,
            ends_at_ms=one.ends_at_ms,
            together=one.together[0],
            redeem_from_ms=one.redeem_from_ms,
            redeem_until_ms=one.redeem_until_ms,
            codes=one.codes[0],
            base=one.base,
            size=one.size,
            next=self.next,
            end=self.end,
            released=self.released,
            available=self.available,
            held=self.held,
            allotted=self.allotted,
            sold=self.sold,
            redeemed=self.redeemed,
            voided=self.voided,
            returned=self.returned,
            backs=len(self.back),
            came=self.came,
            more=self.more,
        )

    def _came(self, units: int) -> None:
        self.available += units
        self.came += units

    def _keep_high(self) -> None:
        if self.high is None:
            self.high = self.more[-1] if self.more else self.end

    def _ranges(self) -> list[tuple[int, int]]:
        ends = [self.next, self.end, *self.more]
        return list(zip(ends[::2], ends[1::2], strict=True))

    def _take_far(self, serial: int, count: int) -> int:
        """Take up to `count` units from wherever their range is; how many."""
        ranges = self._ranges()
        for at, (low, high) in enumerate(ranges):
            if not low <= serial < high:
                continue
            taken = min(count, high - serial)
            pieces = [(low, serial), (serial + taken, high)]
            # The first range stays, though it be empty: its end is the highest unit so far.
            kept = [piece for piece in pieces if piece[0] < piece[1]] or pieces[1:] * (at == 0)
            ranges[at : at + 1] = kept
            (self.next, self.end), *rest = ranges
            self.more = [end for ends in rest for end in ends]
            return taken
        raise BadStory(f"unit {serial} of offer {self.record.number} is taken and was not free")

    def _take_seats(self, first: int, count: int) -> None:
        at = first - self.record.base
        if self.seats[at : at + count] != b"1" * count:
            why = f"seat {first} of offer {self.record.number} is taken and was not free"
            raise BadStory(why)
        self._mark(first, count, _TAKEN)

    def _mark(self, first: int, count: int, sign: int) -> None:
        at = first - self.record.base
        self.seats[at : at + count] = bytes([sign]) * count

    def _free_seats(self) -> list[tuple[int, int]]:
        found: list[tuple[int, int]] = []
        at = self.seats.find(_FREE)
        while at >= 0:
            past = at
            while past < len(self.seats) and self.seats[past] == _FREE:
                past += 1
            found.append((self.record.base + at, past - at))
            at = self.seats.find(_FREE, past)
        return found

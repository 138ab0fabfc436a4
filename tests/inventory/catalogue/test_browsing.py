"""What a gateway knows of a sale, from the store alone."""

from pathlib import Path

import pytest

from inventory import keys
from inventory.catalogue import CannotOpen, Catalogue, OutsideCodes, SaleCatalogue, Shelf
from inventory.codes import CodeKey
from lua import NothingHappened
from tests.inventory.catalogue.published import NOW
from tests.inventory.sale_files import CODES, FIRST_DROP_MS, SALE, sale_of


@pytest.fixture
async def browsed(catalogue: Catalogue, shelf: Shelf, tmp_path: Path) -> SaleCatalogue:
    """The small sale as a gateway has it; the database is gone by then."""
    await catalogue.publish(sale_of(tmp_path), shelf, actor="ada", now_ms=NOW)
    await catalogue.close()
    found = await SaleCatalogue.load(shelf.store, SALE, CODES)
    assert found is not None
    return found


async def test_the_whole_sale_is_there_without_the_database(
    browsed: SaleCatalogue, tmp_path: Path
) -> None:
    """Rules, room, drops, signers, partners and offers are what the file said."""
    file = sale_of(tmp_path)
    assert (browsed.id, browsed.number, browsed.revision) == (SALE, 1, 1)
    assert (browsed.rules, browsed.room) == (file.sale, file.room)
    assert list(browsed.drops) == file.drops
    assert (list(browsed.logins), list(browsed.payments)) == (file.logins, file.payments)
    assert list(browsed.partners.values()) == sorted(file.partners, key=lambda one: one.partner)
    assert [offer.record for offer in browsed.offers] == file.offers
    assert browsed.venues == {venue.venue: venue for venue in file.venues}
    film = browsed.offer(3)
    assert film is not None
    assert (film.id, film.drop, film.venue.city) == ("film", 1, "Sanya")
    assert film.record.starts_at_ms == FIRST_DROP_MS + 64 * 3_600_000


def test_offers_are_found_by_number_and_by_id(browsed: SaleCatalogue) -> None:
    """Numbers count from 1 in the order of the file, and unknown ones are nothing."""
    assert [browsed.number_of(offer.id) for offer in browsed.offers] == [1, 2, 3, 4, 5, 6]
    assert browsed.number_of("none") is None
    assert [browsed.offer(number) for number in (0, -1, 7, 10**9)] == [None] * 4


def test_every_serial_belongs_to_one_offer(browsed: SaleCatalogue) -> None:
    """Ranges of serials touch and never overlap; outside of them there is nothing."""
    first, last = browsed.offers[0], browsed.offers[-1]
    owners = [
        offer and offer.number
        for offer in map(browsed.offer_of_serial, range(last.base + last.size + 1))
    ]
    assert owners[: first.base] == [None] * first.base
    assert owners[-1] is None
    expected = [offer.number for offer in browsed.offers for _ in range(offer.size)]
    assert owners[first.base : -1] == expected
    assert browsed.offer_of_serial(-1) is None


def test_seats_and_serials_are_told_apart(browsed: SaleCatalogue) -> None:
    """A seat's serial leads back to the seat; gaps, pooled units and strangers have none."""
    film = browsed.offers[2]
    assert film.layout is not None
    labels = [browsed.seat_label(film.base + at) for at in range(film.size)]
    assert labels == ["B1", "B2", "B3", "B4", "", "B5", "B6", "", "A1", "A2", "A3"]
    for label in filter(None, labels):
        serial = browsed.serial_of_seat(film.number, label)
        assert serial is not None
        assert browsed.seat_label(serial) == label
    assert browsed.serial_of_seat(film.number, "Z9") is None
    assert browsed.serial_of_seat(film.number, "") is None
    assert browsed.serial_of_seat(1, "A1") is None
    assert browsed.serial_of_seat(99, "A1") is None
    assert browsed.seat_label(browsed.offers[0].base) == ""
    assert browsed.seat_label(10**8) == ""


def test_offers_are_searched_and_paged(browsed: SaleCatalogue) -> None:
    """Pages follow one another without gaps, and city, venue and drop narrow them together."""

    def ids(**wanted: object) -> list[str]:
        return [offer.id for offer in browsed.page(**wanted)]  # type: ignore[arg-type]  # names and values of `page`

    assert ids() == ["pool", "coded", "film", "filmx", "ahead", "later"]
    assert ids(limit=2) == ["pool", "coded"]
    assert ids(limit=2, after=2) == ["film", "filmx"]
    assert ids(after=6) == ids(after=10**9) == ids(limit=0) == ids(limit=-1) == []
    assert ids(after=-5, limit=10**9) == ids()
    assert ids(city="北京") == ["pool", "coded", "ahead", "later"]
    assert ids(city="北京", drop="second") == ["ahead", "later"]
    assert ids(venue="south", drop="second", limit=1, after=3) == ["filmx"]
    assert ids(venue="nowhere") == []


async def test_outside_codes_are_read_and_found(browsed: SaleCatalogue) -> None:
    """A unit's code comes back as its venue wrote it, and any way of typing it finds the unit."""
    coded, filmx = browsed.offers[1], browsed.offers[3]
    codes = [await browsed.outside_code(coded.base + at) for at in range(4)]
    assert codes == ["1111-AAAA", "2222-bbbb", "3333 cccc", None]
    for typed in ("2222-BBBB", "2222bbbb", " 22 22-bb-bb "):
        assert await browsed.serial_of_code(typed) == coded.base + 1
    seat = browsed.serial_of_seat(filmx.number, "B6")
    assert seat is not None
    assert await browsed.serial_of_code("aa0002") == seat
    assert await browsed.outside_code(seat) == "AA-0002"
    assert await browsed.serial_of_code("AA-9999") is None
    assert await browsed.outside_code(10**8) is None


async def test_a_code_of_another_sale_or_key_does_not_open(
    browsed: SaleCatalogue, shelf: Shelf
) -> None:
    """Without the key that sealed it, or in the place of another, a code stays shut."""
    strangers = OutsideCodes(seal=[CodeKey(1, b"x" * 32)], digest_key=b"d" * 32)
    other = await SaleCatalogue.load(shelf.store, SALE, strangers)
    assert other is not None
    with pytest.raises(CannotOpen, match="moved or changed"):
        await other.outside_code(browsed.offers[1].base)
    rotated = OutsideCodes(
        seal=[CodeKey(2, b"n" * 32), CodeKey(1, b"s" * 32)], digest_key=b"d" * 32
    )
    newer = await SaleCatalogue.load(shelf.store, SALE, rotated)
    assert newer is not None
    assert await newer.outside_code(browsed.offers[1].base) == "1111-AAAA"


async def test_a_sale_that_is_not_there_is_none(shelf: Shelf) -> None:
    """An unknown sale is no error."""
    assert await SaleCatalogue.load(shelf.store, "none", CODES) is None


async def test_a_catalogue_with_holes_is_a_fault(browsed: SaleCatalogue, shelf: Shelf) -> None:
    """Half a catalogue is never served."""
    await shelf.store.write("HDEL", keys.catalogue(SALE), "offer:3")
    with pytest.raises(NothingHappened, match="not whole"):
        await SaleCatalogue.load(shelf.store, browsed.id, CODES)

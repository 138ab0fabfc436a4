"""The cinema example: its files are what its generator makes, and they are a sale."""

import base64
import hashlib
import json
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from inventory.catalogue import Catalogue, OutsideCodes, Published, SaleCatalogue, Shelf
from inventory.codes import CodeKey
from inventory.salefile import Layout, SaleFile, layouts_of, load
from lua import Store

FOLDER = Path(__file__).parents[2] / "examples" / "cinema-3-8"
MADE = (
    *("sale.toml", "venues.csv", "seats.csv", "offers.csv", "codes.csv", "partners.csv"),
    *("allotments.csv", "shop-login-jwks.json", "shop-payment-jwks.json", "shop-keys.json"),
)
CODES = OutsideCodes(seal=[CodeKey(1, b"s" * 32)], digest_key=b"d" * 32)
FIRST = "mar5-1000"
APPLIED_WITHIN_S = 30.0


@pytest.fixture(scope="module")
def sale() -> SaleFile:
    """The example as it is read."""
    loaded = load(FOLDER / "sale.toml")
    assert isinstance(loaded, SaleFile), [str(problem) for problem in loaded[:5]]
    return loaded


@pytest.fixture(scope="module")
def halls(sale: SaleFile) -> dict[str, Layout]:
    """Its hall plans."""
    return layouts_of(sale.seats)


def make(seed: int, out: Path) -> dict[str, str]:
    """Run the generator; a digest of each file it made."""
    script = FOLDER / "make_example.py"
    # -S: without site-packages nothing but the standard library can be imported.
    command = [sys.executable, "-S", str(script), "--seed", str(seed), "--out", str(out)]
    subprocess.run(command, check=True, timeout=60)
    return {name: hashlib.sha256((out / name).read_bytes()).hexdigest() for name in MADE}


def test_the_files_are_what_the_generator_makes(tmp_path: Path) -> None:
    """The committed files are the bytes that the seed gives, with the standard library alone."""
    made = make(38, tmp_path / "a")
    for name in MADE:
        committed = hashlib.sha256((FOLDER / name).read_bytes()).hexdigest()
        assert committed == made[name], f"{name}: run make_example.py"
    assert sum((FOLDER / name).stat().st_size for name in MADE) < 6_000_000


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_another_seed_makes_another_good_sale(seed: int, tmp_path: Path) -> None:
    """Whatever the seed, the files are a sale without a problem; other seeds make other sales."""
    made = make(seed, tmp_path)
    loaded = load(tmp_path / "sale.toml")
    assert isinstance(loaded, SaleFile), [str(problem) for problem in loaded[:5]]
    assert made["offers.csv"] != hashlib.sha256((FOLDER / "offers.csv").read_bytes()).hexdigest()
    plans = layouts_of(loaded.seats)
    first = [plans[offer.layout].seats for offer in loaded.offers if offer.drop == FIRST]
    assert 4_500 <= sum(first) <= 7_000


def test_it_is_the_sale_of_march_2014(sale: SaleFile, halls: dict[str, Layout]) -> None:
    """143 cinemas, 25 of them whole, nine drops, 3.80 yuan, two tickets, 400,000 units."""
    assert len(sale.venues) == 143
    rooms: dict[str, set[str]] = {}
    for offer in sale.offers:
        rooms.setdefault(offer.venue, set()).add(offer.offer.split(".")[1])
    sizes = Counter(len(numbers) for numbers in rooms.values())
    assert sum(count for size, count in sizes.items() if size <= 3) == 118
    assert sum(count for size, count in sizes.items() if size > 3) == 25
    assert {offer.price_minor for offer in sale.offers} == {380}
    assert sale.sale.limit_per_buyer == 2
    assert sum(halls[offer.layout].seats for offer in sale.offers) >= 400_000
    assert all(60 <= hall.seats <= 300 for hall in halls.values())
    assert len({venue.city for venue in sale.venues}) == 60


def test_the_nine_drops_stand_at_their_hours(sale: SaleFile, halls: dict[str, Layout]) -> None:
    """Three days at 10:00, 14:00 and 20:00 in Shanghai, each with tickets of its own."""
    first = 1_393_984_800_000  # 2014-03-05T10:00:00+08:00
    hours = [24 * day + hour for day in range(3) for hour in (0, 4, 10)]
    assert [drop.opens_at_ms for drop in sale.drops] == [first + h * 3_600_000 for h in hours]
    units = Counter[str]()
    for offer in sale.offers:
        units[offer.drop] += halls[offer.layout].seats
        opens = {drop.id: drop.opens_at_ms for drop in sale.drops}
        assert offer.redeem_from_ms == opens[offer.drop]
        assert offer.redeem_until_ms == offer.ends_at_ms > offer.starts_at_ms
    assert 5_500 <= units.pop(FIRST) <= 6_500
    assert min(units.values()) > 30_000


def test_the_first_drop_has_one_of_everything(sale: SaleFile, halls: dict[str, Layout]) -> None:
    """A small first drop: an allotment, a cinema with codes of its own, one bought ahead."""
    first = {offer.offer: offer for offer in sale.offers if offer.drop == FIRST}
    assert len({offer.venue for offer in first.values()}) == 12
    ahead = [offer for offer in first.values() if offer.supply == "venue"]
    assert len({offer.venue for offer in ahead}) == 1
    assert 400 <= sum(halls[offer.layout].seats for offer in ahead) <= 600
    coded = {line.offer for line in sale.codes} & first.keys()
    assert {first[name].venue for name in coded}
    assert all(offer.codes == "outside" for offer in ahead)
    allotted = [line for line in sale.allotments if line.offer in first]
    assert sum(line.quantity for line in allotted) == 400
    assert {line.partner for line in allotted} == {"marketplace"}
    assert {first[line.offer].codes for line in allotted} == {"minted", "outside"}


def test_the_shops_keys_are_a_pair() -> None:
    """The private keys of the example belong to the public ones that the sale trusts."""
    files = [FOLDER / f"shop-{name}-jwks.json" for name in ("login", "payment")]
    public = [key for file in files for key in json.loads(file.read_text())["keys"]]
    private = json.loads((FOLDER / "shop-keys.json").read_text())
    assert "Everybody knows them" in private["notice"]
    assert [key["kid"] for key in public] == ["login", "payment"]
    for shown, kept in zip(public, private["keys"], strict=True):
        assert "d" not in shown
        assert shown == {name: value for name, value in kept.items() if name != "d"}
        secret = base64.urlsafe_b64decode(kept["d"] + "=")
        derived = Ed25519PrivateKey.from_private_bytes(secret).public_key().public_bytes_raw()
        assert base64.urlsafe_b64decode(shown["x"] + "=") == derived


def test_each_issuer_has_keys_of_its_own(sale: SaleFile) -> None:
    """No key of the login vouches for a payment, and none of the payment's logs anybody in."""
    (login,), (payment,) = sale.logins, sale.payments
    assert [key.kid for key in login.jwks.keys] == ["login"]
    assert [key.kid for key in payment.jwks.keys] == ["payment"]


async def test_the_whole_of_it_is_applied_in_time(store: Store, database_url: str) -> None:
    """Reading and publishing the example takes less than half a minute, and nothing is lost."""
    began = time.monotonic()
    sale = load(FOLDER / "sale.toml")
    assert isinstance(sale, SaleFile)
    catalogue, shelf = await Catalogue.connect(database_url, CODES), Shelf.of(store)
    outcome = await catalogue.publish(sale, shelf, actor="test")
    await catalogue.close()
    assert time.monotonic() - began < APPLIED_WITHIN_S
    assert isinstance(outcome, Published)
    view = await shelf.sales.view("cinema-3-8")
    assert view is not None
    counts = await shelf.stock.counts(view)
    plans = layouts_of(sale.seats)
    brought = sum(plans[one.layout].seats for one in sale.offers if one.supply == "file")
    assert outcome.units_added == sum(one.released for one in counts) == brought
    assert sum(one.allotted for one in counts) == sum(one.quantity for one in sale.allotments)
    browsed = await SaleCatalogue.load(store, "cinema-3-8", CODES)
    assert browsed is not None
    line = sale.codes[-1]
    serial = await browsed.serial_of_code(line.code)
    assert serial is not None
    assert browsed.seat_label(serial) == line.seat
    assert await browsed.outside_code(serial) == line.code

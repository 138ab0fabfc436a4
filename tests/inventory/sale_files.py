"""A small sale as files, which tests copy into a folder and change a line of."""

from base64 import urlsafe_b64encode
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from inventory.catalogue import OutsideCodes
from inventory.codes import CodeKey
from inventory.salefile import SaleFile, load

SALE = "spring"
FIRST_DROP_MS = 1_394_013_600_000  # 2014-03-05T10:00:00Z
CODES = OutsideCodes(seal=[CodeKey(1, b"s" * 32)], digest_key=b"d" * 32)
_PUBLIC = Ed25519PrivateKey.from_private_bytes(sha256(b"login").digest()).public_key()
KEY_X = urlsafe_b64encode(_PUBLIC.public_bytes_raw()).rstrip(b"=").decode()
KEY = f'{{"kty": "OKP", "crv": "Ed25519", "kid": "login", "x": "{KEY_X}"}}'

HEADER = (
    "offer,title,venue,drop,kind,layout,units,price_minor,"
    "starts_at,ends_at,redeem_from,redeem_until,together,supply,codes"
)
MORNING = (
    "2014-03-08T10:00:00+08:00,2014-03-08T12:00:00+08:00,"
    "2014-03-05T10:00:00Z,2014-03-08T12:00:00+08:00"
)
NOON = (
    "2014-03-08T13:00:00+08:00,2014-03-08T15:00:00+08:00,"
    "2014-03-05T14:00:00Z,2014-03-08T15:00:00+08:00"
)
FILES = {
    "sale.toml": """\
[sale]
id = "spring"
title = "Spring"
currency = "CNY"
timezone = "Asia/Shanghai"
limit_per_buyer = 2
hold_s = 60
closes_at = 2014-03-08T00:00:00+08:00

[room]
rate_per_s = 2.5
burst = 10
lobby_s = 600

[[drop]]
id = "first"
opens_at = 2014-03-05T10:00:00Z

[[drop]]
id = "second"
opens_at = "2014-03-05T14:00:00Z"

[[lane]]
name = "members"
weight = 3
claim = "tier"
is = "gold"

[[login]]
name = "shop"
issuer = "https://login.example"
audience = "dropgate"
jwks = "jwks.json"

[[payment]]
name = "pay"
kind = "test"
issuer = "https://pay.example"
jwks = "jwks.json"

[files]
venues = "venues.csv"
seats = "seats.csv"
offers = "offers.csv"
codes = "codes.csv"
partners = "partners.csv"
allotments = "allotments.csv"
""",
    "jwks.json": f'{{"keys": [{KEY}]}}\n',
    "venues.csv": """\
venue,title,city,timezone
north,North,北京,Asia/Shanghai
south,"South, by the sea",Sanya,Asia/Shanghai
""",
    "seats.csv": """\
layout,row,first,last
hall,B,1,4
hall,B,5,6
hall,A,1,3
""",
    "offers.csv": f"""\
{HEADER}
pool,Pool,north,first,pooled,,100,380,{MORNING},,,
coded,Coded,north,first,pooled,,,380,{MORNING},,file,outside
film,Film,south,first,seated,hall,,380,{MORNING},refuse,file,minted
filmx,Film X,south,second,seated,hall,,500,{NOON},split,file,outside
ahead,Ahead,north,second,seated,hall,,500,{NOON},split,venue,outside
later,Later,north,second,pooled,,10,500,{NOON},split,venue,outside
""",
    "codes.csv": """\
offer,seat,code
coded,,1111-AAAA
coded,,2222-bbbb
coded,,3333 cccc
filmx,A1,AA-0001
filmx,B6,AA-0002
""",
    "partners.csv": """\
partner,title
market,Market
club,Club
""",
    "allotments.csv": """\
allotment,partner,offer,quantity
market.pool,market,pool,20
market.film,market,film,2
club.coded,club,coded,1
""",
}


def edits_of(path: Path) -> list[list[str]]:
    """The lines of a table of edits, which says in its first lines what its columns are."""
    text = path.read_text()
    for name, value in (("KEY", KEY), ("X", KEY_X), ("NOON", NOON)):
        text = text.replace(f"<{name}>", value)
    lines = [line.split(" | ") for line in text.splitlines() if not line.startswith("#")]
    return [[cell.replace("⏎", "\n") for cell in line] for line in lines]


def write(folder: Path, *edits: tuple[str, str, str]) -> Path:
    """The small sale in `folder`, each edit (file, old, new) made once; the path of sale.toml."""
    contents = dict(FILES)
    for file, old, new in edits:
        assert contents[file].count(old) >= 1, f"{old!r} is not in {file}"
        contents[file] = contents[file].replace(old, new, 1)
    folder.mkdir(exist_ok=True)
    for file, content in contents.items():
        (folder / file).write_bytes(content.encode())
    return folder / "sale.toml"


def sale_of(folder: Path, *edits: tuple[str, str, str]) -> SaleFile:
    """The small sale with edits, which must be good."""
    loaded = load(write(folder, *edits))
    assert isinstance(loaded, SaleFile), [str(problem) for problem in loaded]
    return loaded

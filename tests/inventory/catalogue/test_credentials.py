"""Bearer keys: shown once, kept as digests, rotated with an overlap, revoked at once."""

import hashlib
import hmac
import time

import asyncpg
import pytest

from inventory.catalogue import Catalogue, Issued, Kiosk, NotIssued, Role, presented

HOUR_MS = 3_600_000


async def issued(catalogue: Catalogue, role: Role = "partner", scope: str = "market") -> Issued:
    """A key that was made."""
    key = await catalogue.issue_credential(role, scope, "A key")
    assert isinstance(key, Issued)
    return key


async def test_a_key_is_found_by_its_text_and_kept_as_a_digest(
    catalogue: Catalogue, database_url: str
) -> None:
    """Its text leads to role, scope and digest; the text itself is kept nowhere."""
    key = await issued(catalogue)
    [kept] = await catalogue.credentials()
    assert (kept.id, kept.role, kept.scope, kept.title) == (key.id, "partner", "market", "A key")
    assert kept.expires_at_ms is None
    told = presented(key.text)
    assert told is not None
    assert (told.role, told.id) == ("partner", key.id)
    assert hmac.compare_digest(told.secret_sha256, kept.secret_sha256)
    secret = key.text.rsplit("_", 1)[1]
    assert kept.secret_sha256 == hashlib.sha256(secret.encode()).digest()
    connection = await asyncpg.connect(database_url)
    rows = await connection.fetch("select * from catalogue.credential")
    await connection.close()
    assert secret not in str([dict(row) for row in rows])


@pytest.mark.parametrize(
    "text",
    [
        "", "dgk", "dgk_partner_1234567_" + "0" * 32, "dgk_owner_12345678_" + "0" * 32,
        "dgk_partner_12345678_" + "0" * 31, "dgk_partner_12345678_" + "0" * 33,
        "dgk_partner_12345678_" + "0" * 32 + "\n", " dgk_partner_12345678_" + "0" * 32,
        "DGK_PARTNER_12345678_" + "0" * 32, "dgk_partner_1234567u_" + "0" * 32,
        "dgk_partner_12345678_" + "é" * 32, "dgk_partner_12345678_" + "٠" * 32, "x" * 100_000,
    ],
)  # fmt: skip
def test_a_text_that_is_no_key_is_none(text: str) -> None:
    """Only the exact form is looked at any further."""
    assert presented(text) is None


WRONG_SCOPES: list[tuple[Role, str]] = [
    *[("partner", scope) for scope in ("Market", "", "*", "a/b", "a\n", "x" * 33)],
    *[("kiosk", scope) for scope in ("north", "north/", "a/b/c", "/k")],
    *[("operator", scope) for scope in ("", "**")],
    ("auditor", "a/b"),
]


async def test_a_scope_or_title_that_does_not_fit_is_refused(catalogue: Catalogue) -> None:
    """A partner's key names a partner, a kiosk's a venue and a kiosk, the others a sale or all."""
    for role, scope in WRONG_SCOPES:
        assert isinstance(await catalogue.issue_credential(role, scope, "x"), NotIssued), scope
    for title in ("", "x" * 121, "a\nb", "a\0b"):
        assert isinstance(await catalogue.issue_credential("operator", "*", title), NotIssued)
    assert await catalogue.credentials() == []


async def test_a_kiosks_key_registers_the_kiosk(catalogue: Catalogue) -> None:
    """A kiosk is known from its first key on, under the title it was given last."""
    await issued(catalogue, "kiosk", "north/k1")
    await catalogue.issue_credential("kiosk", "north/k1", "By the door")
    await issued(catalogue, "operator", "*")
    assert await catalogue.kiosks() == [Kiosk("north", "k1", "By the door")]
    assert len(await catalogue.credentials()) == 3


async def test_rotation_overlaps(catalogue: Catalogue) -> None:
    """The new key is good at once, the old one for the overlap and no longer."""
    old = await issued(catalogue)
    before_ms = time.time_ns() // 1_000_000
    new = await catalogue.rotate_credential(old.id, overlap_s=3_600)
    assert isinstance(new, Issued)
    kept = {key.id: key for key in await catalogue.credentials()}
    assert kept.keys() == {old.id, new.id}
    assert (kept[new.id].scope, kept[new.id].expires_at_ms) == ("market", None)
    expires_at_ms = kept[old.id].expires_at_ms
    assert expires_at_ms is not None
    assert 0 <= expires_at_ms - before_ms - HOUR_MS < 60_000
    newest = await catalogue.rotate_credential(new.id, overlap_s=0)
    assert isinstance(newest, Issued)
    assert {key.id for key in await catalogue.credentials()} == {old.id, newest.id}


async def test_what_came_from_a_key_is_known(catalogue: Catalogue) -> None:
    """All keys of its line that are in force, a generation that has ended in between or not."""
    first, other = await issued(catalogue), await issued(catalogue)
    second = await catalogue.rotate_credential(first.id, overlap_s=3_600)
    assert isinstance(second, Issued)
    third = await catalogue.rotate_credential(second.id, overlap_s=0)
    assert isinstance(third, Issued)
    assert await catalogue.credential_heirs(first.id) == [third.id]
    assert await catalogue.credential_heirs(third.id) == []
    assert await catalogue.credential_heirs(other.id) == []


async def test_an_overlap_does_not_lengthen_a_life(catalogue: Catalogue) -> None:
    """A key that ends soon ends then, whatever the overlap, and its heir ends with it."""
    ends_ms = time.time_ns() // 1_000_000 + 60_000
    old = await catalogue.issue_credential("auditor", "*", "x", expires_at_ms=ends_ms)
    assert isinstance(old, Issued)
    await catalogue.rotate_credential(old.id, overlap_s=3_600)
    assert [key.expires_at_ms for key in await catalogue.credentials()] == [ends_ms, ends_ms]


async def test_a_key_that_ended_is_not_listed_nor_rotated(catalogue: Catalogue) -> None:
    """Expired and revoked keys are gone at once; revoking again changes nothing."""
    gone = await catalogue.issue_credential("operator", "*", "x", expires_at_ms=1_000)
    revoked = await issued(catalogue)
    assert await catalogue.revoke_credential(revoked.id)
    assert await catalogue.revoke_credential(revoked.id)
    assert not await catalogue.revoke_credential("00000000")
    assert await catalogue.credentials() == []
    assert isinstance(gone, Issued)
    for name in (gone.id, revoked.id, "00000000", "'; --"):
        assert isinstance(await catalogue.rotate_credential(name, overlap_s=60), NotIssued)


async def test_an_overlap_is_bounded(catalogue: Catalogue) -> None:
    """An old key is good for ninety days more at most."""
    key = await issued(catalogue)
    for overlap_s in (-1, 10**9):
        outcome = await catalogue.rotate_credential(key.id, overlap_s=overlap_s)
        assert isinstance(outcome, NotIssued)
    assert [kept.id for kept in await catalogue.credentials()] == [key.id]

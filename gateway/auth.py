"""Who asks: a credential becomes a caller, or a refusal that says what is wrong with it.

Here belong the schemes of `Authorization`, the role matrix's enforcement and scopes. Keys are
compared as hashes, in constant time. Outside signatures belong to `assertions`, places and passes
to queueing; where the keys come from, to `credentials`.
"""

import time
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, assert_never

import msgspec
from aiohttp import web

from gateway import cookies
from gateway.assertions import Assertion, BadAssertion, Memory
from gateway.credentials import KEY_PREFIX, BadKey, Credentials
from gateway.endpoint import Who
from gateway.problems import Code, Refused
from gateway.requests import Head
from gateway.shelves import Shelf
from inventory.ids import Identities
from inventory.salefile import LaneLine
from queueing import BadPass, BadPlace, Pass, Place, Rooms

SUBJECT_MAX = 128
TOKEN_MAX = 8_000
PLACE = Who.PLACE.scheme
LOGIN_HEADER = "Dropgate-Login"
_BEARER_ROLES = {
    "partner": Who.PARTNER,
    "kiosk": Who.KIOSK,
    "operator": Who.OPERATOR,
    "auditor": Who.AUDITOR,
}


class Shopper(msgspec.Struct, frozen=True, gc=False):
    """A buyer known by a login assertion; `buyer` is the key that inventory knows.

    `lane` is the lane of the sale's room that the assertion's claims have a right to.
    """

    buyer: str
    lane: int = 0


class InLine(msgspec.Struct, frozen=True, gc=False):
    """The holder of a place."""

    place: Place


class AtTill(msgspec.Struct, frozen=True, gc=False):
    """The holder of a pass. For a hold it may have expired: the till looks for a repeat first."""

    pass_: Pass

    @property
    def buyer(self) -> str:
        """The key that inventory knows the buyer by."""
        return self.pass_.buyer


class Partner(msgspec.Struct, frozen=True, gc=False):
    """A partner marketplace, by the key of id `credential`."""

    id: str
    credential: str


class AtKiosk(msgspec.Struct, frozen=True, gc=False):
    """A registered kiosk at its venue."""

    credential: str
    venue: str
    kiosk: str


class Operator(msgspec.Struct, frozen=True, gc=False):
    """Someone who runs sales, all (`*`) or one; `actor` goes into the facts.

    One who only `looks` is an auditor.
    """

    actor: str
    scope: str
    looks: bool

    def may_see(self, sale: str) -> bool:
        """Whether a sale is in the key's scope."""
        return self.scope in ("*", sale)


Caller = Shopper | InLine | AtTill | Partner | AtKiosk | Operator


class Credential(msgspec.Struct, frozen=True, gc=False):
    """What an `Authorization` header, or a place's cookie, carries.

    Beside a place there may be the login of its account: `login`, a JWT.
    """

    scheme: str
    token: str
    login: str = ""


def credential_of(head: Head, who: tuple[Who, ...], sale: str | None = None) -> Credential:
    """The credential of a call. Refuses none, two, and a scheme that this route does not take."""
    given = head.headers.getall("Authorization", [])
    schemes = _kinds(who)
    if not given and sale is not None and PLACE in schemes:
        assert isinstance(head, web.BaseRequest), "a call with a place does not go straight"
        token = cookies.place_of(head, sale)
        if token is not None:
            return Credential(PLACE, token, head.headers.get(LOGIN_HEADER, ""))
    if not given:
        wanted = " or ".join(schemes)
        raise Refused(Code.NO_CREDENTIAL, f"Send Authorization: {wanted} <token>.")
    if len(given) > 1:
        wanted = " or ".join(schemes)
        raise Refused(Code.BAD_CREDENTIAL, f"Send one Authorization: {wanted} <token>.")
    login = head.headers.get(LOGIN_HEADER, "") if PLACE in schemes else ""
    return credential_in(given[0], who, login)


def credential_in(given: str, who: tuple[Who, ...], login: str = "") -> Credential:
    """The credential in the text of an `Authorization`; `login` stands beside a place alone."""
    schemes = _kinds(who)
    scheme, _, token = given.partition(" ")
    if not token or not token.isascii() or len(token) > TOKEN_MAX:
        wanted = " or ".join(schemes)
        raise Refused(Code.BAD_CREDENTIAL, f"Send one Authorization: {wanted} <token>.")
    if scheme not in schemes and (scheme := scheme.capitalize()) not in schemes:
        wanted = " or ".join(schemes)
        raise Refused(Code.BAD_CREDENTIAL, f"This takes Authorization: {wanted} <token>.")
    return Credential(scheme, token.strip(), login if scheme == PLACE else "")


@cache
def _kinds(who: tuple[Who, ...]) -> Mapping[str, Who]:
    """The kind that each scheme stands for: the first of it. A key says itself of which it is."""
    kinds: dict[str, Who] = {}
    for one in who:
        kinds.setdefault(one.scheme, one)
    return kinds


class Auth:
    """Identifies callers for one process."""

    def __init__(self, credentials: Credentials, identities: Identities, rooms: Rooms) -> None:
        self._credentials = credentials
        self._identities = identities
        self._rooms = rooms
        self._memory = Memory()

    def identify(
        self,
        credential: Credential,
        who: tuple[Who, ...],
        shelf: Shelf | None,
        sale: str | None,
    ) -> Caller:
        """The caller. `sale` is the one that the path names, be it there or not.

        Raises Refused: 401 for a credential that proves nothing, 403 for one that proves somebody
        who may not do this, 503 while the keys have never been loaded.
        """
        if credential.scheme == "Bearer" and credential.token.startswith(KEY_PREFIX):
            return self._by_key(credential.token, who, shelf, sale)
        match _kinds(who).get(credential.scheme):
            case Who.PASS_AT_TILL:
                return self._by_pass(credential.token, _known(shelf), may_be_late=True)
            case Who.LOGIN:
                return self._by_login(credential.token, _known(shelf))
            case Who.PLACE:
                return self._by_place(credential, _known(shelf), must_log_in=False)
            case Who.PLACE_AT_DOOR:
                found = _known(shelf)
                must_log_in = found.catalogue.room.claim_needs_login
                return self._by_place(credential, found, must_log_in=must_log_in)
            case Who.PASS:
                return self._by_pass(credential.token, _known(shelf), may_be_late=False)
            case (Who.PARTNER | Who.KIOSK | Who.OPERATOR | Who.AUDITOR) as kind:
                raise Refused(Code.BAD_CREDENTIAL, f"This takes {kind.what}.")
            case None:
                raise Refused(Code.BAD_CREDENTIAL)
            case never:
                assert_never(never)

    def _by_key(
        self, text: str, who: tuple[Who, ...], shelf: Shelf | None, sale: str | None
    ) -> Caller:
        key = self._credentials.check(text, time.time())
        if isinstance(key, BadKey):
            if key.expired:
                raise Refused(Code.EXPIRED_CREDENTIAL, "This key has expired or was replaced.")
            raise Refused(Code.BAD_CREDENTIAL, "This key is not known.")
        role = _BEARER_ROLES[key.role]
        if role not in who:
            takes = " or ".join(one.what for one in who)
            raise Refused(Code.WRONG_ROLE, f"This is a key for a {key.role}; this takes {takes}.")
        match role:
            case Who.PARTNER:
                if shelf is not None and key.scope not in shelf.catalogue.partners:
                    raise Refused(Code.OUT_OF_SCOPE, "You are no partner of this sale.")
                return Partner(key.scope, key.id)
            case Who.KIOSK:
                venue, _, kiosk = key.scope.partition("/")
                return AtKiosk(key.id, venue, kiosk)
            case _:
                operator = Operator(f"{key.role}:{key.id}", key.scope, role is Who.AUDITOR)
                if sale is not None and not operator.may_see(sale):
                    raise Refused(Code.OUT_OF_SCOPE, "This key is for another sale.")
                return operator

    def _by_login(self, token: str, shelf: Shelf) -> Shopper:
        found = self._memory.check(
            token, shelf.logins, ("sub",), realm=shelf.realm, now_s=time.time()
        )
        match found:
            case BadAssertion(reason=reason, expired=expired):
                code = Code.EXPIRED_CREDENTIAL if expired else Code.BAD_CREDENTIAL
                raise Refused(code, f"The login assertion is refused. {reason}")
            case Assertion(issuer=issuer, claims=claims):
                subject = claims["sub"]
                if not isinstance(subject, str) or not 0 < len(subject) <= SUBJECT_MAX:
                    raise Refused(Code.BAD_CREDENTIAL, "The login assertion names nobody.")
                buyer = self._identities.buyer_key(f"{issuer.name}:{subject}")
                return Shopper(buyer, _lane_of(claims, shelf.catalogue.lanes))

    def shown_place(self, token: str, shelf: Shelf) -> Place | None:
        """The place that a token beside another credential stands for, if it is one."""
        found = self._rooms.read_place(token, shelf.view.id, int(time.time() * 1000))
        return found if isinstance(found, Place) else None

    def _by_place(self, credential: Credential, shelf: Shelf, *, must_log_in: bool) -> InLine:
        match self._rooms.read_place(credential.token, shelf.view.id, int(time.time() * 1000)):
            case BadPlace(reason="stale"):
                raise Refused(Code.EXPIRED_CREDENTIAL, "This place is too old.")
            case BadPlace(reason=reason):
                raise Refused(Code.BAD_CREDENTIAL, "This is no place in this line.", reason=reason)
            case Place() as place:
                self._require_account(place, credential.login, shelf, must_log_in=must_log_in)
                return InLine(place)

    def _require_account(
        self, place: Place, login: str, shelf: Shelf, *, must_log_in: bool
    ) -> None:
        """Refuse a place beside another account's login, and one without where it needs one."""
        if login and self._by_login(login, shelf).buyer != place.buyer:
            raise Refused(Code.OTHER_ACCOUNT)
        if must_log_in and not login:
            raise Refused(Code.LOGIN_REQUIRED, f"Send {LOGIN_HEADER}: <login assertion> beside it.")

    def _by_pass(self, token: str, shelf: Shelf, *, may_be_late: bool) -> AtTill:
        now_ms = None if may_be_late else int(time.time() * 1000)
        match self._rooms.read_pass(token, shelf.view.id, now_ms):
            case Pass() as found:
                return AtTill(found)
            case BadPass(reason="expired"):
                raise Refused(Code.EXPIRED_CREDENTIAL, "This pass has expired.")
            case BadPass(reason=reason):
                raise Refused(Code.BAD_CREDENTIAL, "This is no pass for this sale.", reason=reason)


def _lane_of(claims: Mapping[str, Any], lanes: Sequence[LaneLine]) -> int:
    """The first lane, in the file's order, whose claim the login has; everyone's when none is.

    A claim that lists several values (roles, groups) has each of them; what is no text is compared
    as JSON writes it (`true`, `2`).
    """
    for number, lane in enumerate(lanes):
        told = claims.get(lane.claim) if lane.claim else None
        if lane.is_ in (_spelt(one) for one in (told if isinstance(told, list) else [told])):
            return number
    return 0


def _spelt(value: object) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int) else None


def _known(shelf: Shelf | None) -> Shelf:
    assert shelf is not None, "an endpoint for shoppers names its sale"
    return shelf

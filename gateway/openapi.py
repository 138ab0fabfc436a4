"""The OpenAPI 3.1 document, made from the endpoints and the very types that parse the requests.

Nothing here is written by hand a second time: a route, parameter, answer or problem code that the
server knows is in the document, because both are read from the same `Endpoint`.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any, cast

import msgspec

from gateway.auth import LOGIN_HEADER, TOKEN_MAX
from gateway.bodies import PATH, Key
from gateway.endpoint import Endpoint, Keyed, Media, Scope, Who
from gateway.problems import PROBLEM_JSON, Code, Problem

_PLACEHOLDER = re.compile(r"{(\w+)}")
_REF = "#/components/schemas/{name}"
_PLACES = (Who.PLACE, Who.PLACE_AT_DOOR)
_KEY_ROLES = (Who.PARTNER, Who.KIOSK, Who.OPERATOR, Who.AUDITOR)
ANYWHERE = (Code.OVERLOADED, Code.INTERNAL, Code.BAD_HTTP, Code.EXPECTATION_FAILED)
"""What every route may answer."""
NEEDS_STORE = (Code.NOTHING_HAPPENED, Code.NOT_READY)


def codes_of(endpoint: Endpoint) -> tuple[Code, ...]:
    """Every problem code that a route may answer with, its own and those of the checks before."""
    codes: list[Code] = [*endpoint.refusals, *ANYWHERE]
    if endpoint.is_deep:
        codes += NEEDS_STORE
        if endpoint.method not in ("GET", "HEAD"):
            codes.append(Code.MAY_HAVE_HAPPENED)
    if endpoint.who:
        codes += [Code.NO_CREDENTIAL, Code.BAD_CREDENTIAL, Code.EXPIRED_CREDENTIAL]
        if any(who in _PLACES for who in endpoint.who):
            codes.append(Code.OTHER_ACCOUNT)
            if endpoint.method != "GET":
                codes.append(Code.CROSS_SITE)
        if Who.PLACE_AT_DOOR in endpoint.who:
            codes.append(Code.LOGIN_REQUIRED)
        if any(who.scheme == "Bearer" for who in endpoint.who):
            codes.append(Code.WRONG_ROLE)
        if any(who in _KEY_ROLES for who in endpoint.who):
            codes.append(Code.OUT_OF_SCOPE)
    if endpoint.scope is Scope.SALE:
        codes.append(Code.UNKNOWN_SALE)
    if endpoint.scope is Scope.ORDER:
        codes.append(Code.UNKNOWN_ORDER)
    if endpoint.body is not None:
        codes += [Code.TOO_LARGE, Code.SLOW_BODY, Code.WRONG_MEDIA_TYPE, Code.INVALID]
    if "{" in endpoint.path or endpoint.query is not None or endpoint.key is not Keyed.NO:
        codes.append(Code.INVALID)
    return tuple(dict.fromkeys(codes))


def document(endpoints: Sequence[Endpoint], version: str) -> dict[str, Any]:
    """The whole document."""
    schemas = _schemas(endpoints)
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in endpoints:
        operation = _operation(endpoint, schemas)
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Dropgate",
            "version": version,
            "summary": "A gateway for drops: waiting room, stock, pickup codes, settlement.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {"schemas": schemas, "securitySchemes": _security_schemes()},
    }


def _types(endpoints: Iterable[Endpoint]) -> list[Any]:
    found: list[Any] = [Problem]
    for endpoint in endpoints:
        asked = (endpoint.body, endpoint.body_shown, endpoint.query)
        told = (getattr(kind, "json", kind) for kind in endpoint.answers.values())
        found += [kind for kind in (*asked, *told) if kind not in (None, bytes)]
    return list(dict.fromkeys(found))


def _schemas(endpoints: Sequence[Endpoint]) -> dict[str, Any]:
    _, components = msgspec.json.schema_components(_types(endpoints), ref_template=_REF)
    return components


def _operation(endpoint: Endpoint, schemas: dict[str, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": endpoint.name,
        "summary": endpoint.summary,
        "tags": [endpoint.name.split("_", 1)[0]],
        "parameters": _parameters(endpoint, schemas),
        "responses": _responses(endpoint),
        "security": [{_scheme_name(who): []} for who in endpoint.who],
    }
    if endpoint.body is bytes and endpoint.body_shown is None:
        text = {"schema": {"type": "string"}}
        operation["requestBody"] = {"required": True, "content": {endpoint.body_media: text}}
    elif endpoint.body is not None:
        shown = endpoint.body_shown or endpoint.body
        schema = _ref(shown)
        operation["requestBody"] = {
            "required": bool(schemas[shown.__name__].get("required")),
            "content": {endpoint.body_media: {"schema": schema}},
        }
    return operation


def _ref(kind: Any) -> dict[str, str]:
    return {"$ref": _REF.format(name=kind.__name__)}


def _parameters(endpoint: Endpoint, schemas: dict[str, Any]) -> list[dict[str, Any]]:
    found = [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": msgspec.json.schema(cast("Any", PATH[name])),
        }
        for name in _PLACEHOLDER.findall(endpoint.path)
    ]
    if endpoint.query is not None:
        schema = schemas[endpoint.query.__name__]
        needed = schema.get("required", [])
        for name, described in schema["properties"].items():
            one = {"name": name, "in": "query", "required": name in needed, "schema": described}
            found.append(one)
    if endpoint.key is not Keyed.NO:
        found.append(
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": endpoint.key is Keyed.REQUIRED,
                "description": "Made and kept by the client; the same key repeats, never doubles.",
                "schema": msgspec.json.schema(Key),
            }
        )
    if any(who in _PLACES for who in endpoint.who):
        what = "A login assertion beside the place: another account's is refused."
        schema = {"type": "string", "maxLength": TOKEN_MAX}
        beside = {"name": LOGIN_HEADER, "in": "header", "required": False}
        found.append({**beside, "description": what, "schema": schema})
    found += endpoint.headers
    return found


def _responses(endpoint: Endpoint) -> dict[str, Any]:
    responses: dict[str, Any] = {}
    for status, kind in endpoint.answers.items():
        responses[str(status)] = _answer(kind, endpoint)
    by_status: dict[int, list[str]] = {}
    for code in codes_of(endpoint):
        by_status.setdefault(code.status, []).append(code.code)
    for status, codes in sorted(by_status.items()):
        responses[str(status)] = _problem(status, codes)
    return responses


def _answer(kind: Any, endpoint: Endpoint) -> dict[str, Any]:
    if kind is None:
        return {"description": "Done; there is nothing to say."}
    if isinstance(kind, Media):
        content = {media: {"schema": _plain(media)} for media in kind.types}
        if kind.json is not None:
            content["application/json"] = {"schema": cast("Any", _ref(kind.json))}
        described: dict[str, Any] = {"description": kind.what, "content": content}
        if kind.headers:
            described["headers"] = {
                name: {"description": what, "schema": {"type": "string"}}
                for name, what in kind.headers.items()
            }
        return described
    answer: dict[str, Any] = {
        "description": (kind.__doc__ or "").split("\n", 1)[0],
        "content": {"application/json": {"schema": _ref(kind)}},
    }
    if endpoint.key is not Keyed.NO:
        answer["headers"] = {
            "Idempotent-Replayed": {
                "description": "`true` when this call had been answered before and did nothing.",
                "schema": {"type": "string", "enum": ["true"]},
            }
        }
    return answer


def _plain(media: str) -> dict[str, Any]:
    """The schema of an answer that has no type of ours."""
    return {"type": "object" if media == "application/json" else "string"}


def _problem(status: int, codes: list[str]) -> dict[str, Any]:
    schema = {"allOf": [_ref(Problem), {"properties": {"code": {"enum": codes}}}]}
    problem: dict[str, Any] = {
        "description": "Refused: " + ", ".join(codes),
        "content": {PROBLEM_JSON: {"schema": schema}},
    }
    if status in (429, 503):
        problem["headers"] = {
            "Retry-After": {
                "required": True,
                "description": "Seconds to wait.",
                "schema": {"type": "integer", "minimum": 1},
            }
        }
    return problem


def _scheme_name(who: Who) -> str:
    return who.name.lower()


def _security_schemes() -> dict[str, Any]:
    schemes: dict[str, Any] = {}
    for who in Who:
        if who.scheme == "Bearer":
            scheme = {"type": "http", "scheme": "bearer", "description": who.what}
        else:
            what = f"`Authorization: {who.scheme} <token>`: {who.what}"
            scheme = {"type": "apiKey", "in": "header", "name": "Authorization"}
            scheme["description"] = what
        schemes[_scheme_name(who)] = scheme
    return schemes

"""The OpenAPI document: every route, parameter, body, answer and problem code, and nothing else."""

import re
from json import loads
from typing import Any

from gateway.endpoint import Keyed, Media
from gateway.openapi import codes_of, document
from gateway.routes import SHARED_PORT
from tests.gateway.world import World

DOCUMENT: dict[str, Any] = document(SHARED_PORT, "test")
DESIGN = """
GET /v1/sales
GET /v1/sales/{sale}
GET /v1/sales/{sale}/venues
GET /v1/sales/{sale}/offers/{offer}
GET /v1/sales/{sale}/offers/{offer}/seats
POST /v1/sales/{sale}/places
GET /v1/sales/{sale}/places/me
DELETE /v1/sales/{sale}/places/me
GET /v1/sales/{sale}/frame
GET /v1/sales/{sale}/frames
GET /v1/sales/{sale}/fairness
GET /v1/sales/{sale}/fairness/list
POST /v1/sales/{sale}/passes
POST /v1/sales/{sale}/orders
POST /v1/orders/{order}/confirm
POST /v1/orders/{order}/release
GET /v1/orders/{order}
GET /v1/orders/{order}/codes/{position}.svg
GET /v1/partner/me
GET /v1/partner/keys
POST /v1/partner/keys/rotate
POST /v1/partner/orders
POST /v1/partner/orders/batch
POST /v1/partner/orders/{order}/refund
GET /v1/partner/allotments
GET /v1/partner/allotments/{allotment}/codes
POST /v1/partner/allotments/{allotment}/sales
POST /v1/partner/allotments/{allotment}/returns
GET /v1/partner/events
POST /v1/partner/statements
GET /v1/partner/settlements/{date}
GET /v1/kiosk/me
POST /v1/kiosk/redemptions
GET /v1/operator/sales
GET /v1/operator/sales/{sale}
GET /v1/operator/sales/{sale}/history
GET /v1/operator/sales/{sale}/changes
GET /v1/operator/sales/{sale}/allotments
POST /v1/operator/sales/{sale}/allotments/{allotment}/recall
GET /v1/operator/breaks
PUT /v1/operator/sales/{sale}
POST /v1/operator/sales/{sale}/open
POST /v1/operator/sales/{sale}/pause
POST /v1/operator/sales/{sale}/resume
POST /v1/operator/sales/{sale}/drain
POST /v1/operator/sales/{sale}/close
PATCH /v1/operator/sales/{sale}/rate
PUT /v1/operator/sales/{sale}/message
POST /v1/operator/sales/{sale}/reset
POST /v1/operator/sales/{sale}/forecast
POST /v1/operator/sales/{sale}/stock
GET /v1/operator/sales/{sale}/withheld
POST /v1/operator/sales/{sale}/withheld/free
GET /v1/operator/sales/{sale}/counts
GET /v1/operator/sales/{sale}/audit
POST /v1/operator/sales/{sale}/orders/{order}/refund
GET /livez
GET /readyz
GET /metrics
GET /openapi.json
GET /.well-known/jwks.json
"""


def test_the_calls_are_those_of_the_design() -> None:
    """Every call that was promised is there, and no other."""
    told = {
        f"{method.upper()} {path}"
        for path, methods in DOCUMENT["paths"].items()
        for method in methods
    }
    assert told == set(DESIGN.split("\n")) - {""}


def test_every_route_is_described_whole() -> None:
    """Parameters, body, credentials, answers and problem codes of each route are in it."""
    for endpoint in SHARED_PORT:
        said = DOCUMENT["paths"][endpoint.path][endpoint.method.lower()]
        assert said["summary"] == endpoint.summary
        named = {(one["in"], one["name"]): one for one in said["parameters"]}
        for name in re.findall(r"{(\w+)}", endpoint.path):
            assert named["path", name]["required"]
            assert named["path", name]["schema"].keys() & {"pattern", "minimum"}
        assert (("header", "Idempotency-Key") in named) == (endpoint.key is not Keyed.NO)
        assert ("requestBody" in said) == (endpoint.body is not None)
        assert len(said["security"]) == len(endpoint.who)
        codes = {
            code
            for response in said["responses"].values()
            for content in response.get("content", {}).values()
            for part in content["schema"].get("allOf", ())
            for code in part.get("properties", {}).get("code", {}).get("enum", ())
        }
        assert codes == {code.code for code in codes_of(endpoint)}
        assert {str(status) for status in endpoint.answers} <= said["responses"].keys()


def test_every_reference_leads_somewhere() -> None:
    """Every $ref of the document is a schema in it, and every schema is used."""
    text = str(DOCUMENT)
    named = set(re.findall(r"#/components/schemas/(\w+)", text))
    assert named == DOCUMENT["components"]["schemas"].keys() - _queries()


def _queries() -> set[str]:
    """Types of queries: shown as parameters, so nothing refers to them."""
    return {one.query.__name__ for one in SHARED_PORT if one.query is not None}


def test_every_write_may_be_repeated() -> None:
    """Every call that writes takes a key, whether it must or by its nature need not."""
    for endpoint in SHARED_PORT:
        assert (endpoint.key is not Keyed.NO) == (endpoint.method != "GET"), endpoint.name


def test_operation_ids_are_unique() -> None:
    """A client generator needs one name for one call."""
    names = [one.name for one in SHARED_PORT]
    assert len(set(names)) == len(names)


def test_patterns_are_ones_that_json_schema_knows() -> None:
    """No pattern uses what only Python's expressions have."""
    for pattern in re.findall(r"'pattern': '([^']*)'", str(DOCUMENT)):
        assert r"\Z" not in pattern
        assert "(?P" not in pattern


def test_every_answer_has_a_type() -> None:
    """A success is a described type, a described other medium, or nothing at all."""
    for endpoint in SHARED_PORT:
        assert endpoint.answers, endpoint.name
        for kind in endpoint.answers.values():
            assert kind is None or isinstance(kind, Media) or kind.__doc__


async def test_the_document_is_served(world: World) -> None:
    """What is served is this document."""
    served = await world.call("GET", "/openapi.json")
    assert (served.status, served.headers["Content-Type"]) == (200, "application/json")
    assert loads(served.body)["paths"].keys() == DOCUMENT["paths"].keys()
    assert loads(served.body)["openapi"] == "3.1.0"

"""Attack by description: whatever is asked, the answer is one that the description knows."""

from collections import Counter
from json import loads
from pathlib import Path

import jsonschema_rs
import pytest
from schemathesis.specs.openapi.definitions import OPENAPI_31

from gateway.routes import SHARED_PORT
from tests.gateway.attack import AUDIENCES, ENDLESS, SEED, attack, audience
from tests.gateway.world import World


@pytest.mark.timeout(300)
@pytest.mark.parametrize("whose", AUDIENCES)
async def test_every_answer_is_described(world: World, tmp_path: Path, whose: str) -> None:
    """Good and bad calls with every kind of credential get no 5xx and no undescribed answer."""
    report = await attack(world, whose, tmp_path)
    assert report.status == 0, f"{report.text}\nSeed {SEED}: the same code is asked the same again."
    answers = statuses(world, whose)
    answers.pop(ENDLESS, None)
    for name, answered in answers.items():
        assert all(status < 500 for status in answered), (name, answered)
        assert any(status < 300 for status in answered), f"{name} was never reached: {answered}"


def statuses(world: World, whose: str) -> dict[str, Counter[int]]:
    """Route → status → answers, as the gateway itself has counted them."""
    found = {one.name: Counter[int]() for one in SHARED_PORT if audience(one) == whose}
    for family in world.services.metrics.requests.collect():
        for sample in family.samples:
            route = sample.labels["route"]
            if sample.name.endswith("_total") and route in found and sample.value:
                found[route][int(sample.labels["status"])] = int(sample.value)
    return found


def test_the_document_is_valid_openapi(world: World) -> None:
    """The document keeps to the schema of OpenAPI 3.1, and its schemas to JSON schema."""
    document = loads(world.services.openapi)
    wrong = [
        f"{error.instance_path}: {error.message}"
        for error in jsonschema_rs.Draft202012Validator(OPENAPI_31).iter_errors(document)
    ]
    assert wrong == []
    for schema in document["components"]["schemas"].values():
        jsonschema_rs.meta.validate(schema)

"""One module makes responses, so one module gives errors their one shape.

What the shape is, and that every route's every refusal has it, is tested on the running gateway
(tests/gateway); here belongs that nothing goes around it.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.problems import Code
from tests.house.sources import HOUSE, sources

MAKER = "gateway.responses"
RESPONSES = {"Response", "StreamResponse", "FileResponse", "json_response"}


def goings_around(house: Path) -> Iterator[str]:
    """Every place outside of the one module that makes a response or raises aiohttp's own."""
    for source in sources(house, "gateway"):
        if source.module == MAKER:
            continue
        for node in ast.walk(source.tree):
            match node:
                case ast.Call(func=ast.Attribute(value=ast.Name(id="web"), attr=name)) if (
                    name in RESPONSES or name.startswith("HTTP")
                ):
                    yield f"{source.path}:{node.lineno} web.{name}(…)"
                case ast.Raise(exc=ast.Attribute(value=ast.Name(id="web"), attr=name)):
                    yield f"{source.path}:{node.lineno} raise web.{name}"
                case _:
                    continue


def test_nothing_goes_around_the_one_shape() -> None:
    """Responses are made in gateway.responses alone, and aiohttp's own errors are never raised."""
    assert list(goings_around(HOUSE)) == []


@pytest.mark.parametrize(
    "text",
    [
        "web.json_response({'error': 'no'}, status=409)",
        "web.Response(status=404)",
        "raise web.HTTPNotFound",
        "raise web.HTTPConflict(text='no')",
    ],
)
def test_a_way_around_is_found(tmp_path: Path, text: str) -> None:
    """Each way around is seen."""
    (tmp_path / "gateway").mkdir()
    (tmp_path / "gateway" / "x.py").write_text(f"from aiohttp import web\n{text}\n")
    assert len(list(goings_around(tmp_path))) == 1


def test_codes_are_stable_words() -> None:
    """Every problem has a code of its own, in lower case, and a status that is an error."""
    codes = [one.code for one in Code]
    assert len(codes) == len(set(codes))
    assert all(code.replace("_", "").isalnum() and code == code.lower() for code in codes)
    assert all(400 <= one.status <= 599 for one in Code)

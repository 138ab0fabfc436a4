"""The scripts of the store and their Python signatures: each has exactly one of the other."""

import ast
import re
from collections import Counter
from importlib import import_module
from pathlib import Path

import pytest

from lua.catalogue import BadHeader, signature
from tests.house.sources import HOUSE, PACKAGES, Source, sources

SCRIPTS = sorted(path.stem for path in (HOUSE / "lua").glob("*.lua"))
READS = {
    *("TIME", "EXISTS", "GET", "GETRANGE", "HGET", "HMGET", "HGETALL", "HLEN", "HEXISTS", "HSCAN"),
    *("LINDEX", "LLEN", "LRANGE", "SCARD", "SISMEMBER", "STRLEN", "TYPE", "XLEN", "XRANGE"),
    *("XREVRANGE", "ZCARD", "ZCOUNT", "ZRANGE", "ZRANGEBYSCORE", "ZSCORE", "ZMSCORE"),
}


def _signatures(source: Source) -> list[str]:
    return [
        node.args[0].value
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "signature"
        and isinstance(node.args[0], ast.Constant)
        and isinstance(node.args[0].value, str)
    ]


def test_every_script_has_exactly_one_signature() -> None:
    """No script is without a verb, none has two, and no verb names a script that is not there."""
    named = Counter(name for source in sources(HOUSE, *PACKAGES) for name in _signatures(source))
    assert named == Counter(SCRIPTS)


def test_every_signature_agrees_with_its_header() -> None:
    """Importing a module with signatures compares each with the header of its script."""
    modules = [source.module for source in sources(HOUSE, *PACKAGES) if _signatures(source)]
    assert modules
    for module in modules:
        import_module(module)


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_signature_that_differs_is_refused(script: str) -> None:
    """A verb whose keys, arguments and replies are not the header's does not load."""
    with pytest.raises(BadHeader):
        signature(script, keys=("no",), argv=("such",), replies=("words",))


def _with_includes(path: Path) -> str:
    text = path.read_text(encoding="utf-8")
    names = re.findall(r"^--@include (\w+)$", text, re.MULTILINE)
    included = [_with_includes(HOUSE / "lua" / "include" / f"{name}.lua") for name in names]
    return "\n".join([text, *included])


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_that_writes_nothing_says_so(script: str) -> None:
    """Without a writing command the first line is `flags=no-writes`: the server holds it to it."""
    text = _with_includes(HOUSE / "lua" / f"{script}.lua")
    called = {name.upper() for name in re.findall(r"redis\.p?call\(\s*[\"'](\w+)", text)}
    if not called - READS:
        assert text.startswith("#!lua flags=no-writes\n")

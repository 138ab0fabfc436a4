"""All that a slot's keys hold, as values, to compare two slots that should be the same."""

from typing import Any

import msgspec

from inventory import keys
from inventory.records import unpack_offer
from lua import Store

NOBODY = "-0" + " " * 24


async def contents(store: Store, sale: str) -> dict[str, Any]:
    """A sale's keys → content; not the slot record and the facts, which tell of their own epoch."""
    apart = {keys.sale(sale), keys.facts(sale)}
    found: dict[str, Any] = {}
    for raw in await store.read("KEYS", f"{{{sale}:*"):
        key = raw.decode()
        if key in apart:
            continue
        if await store.read("TYPE", key) == b"zset":
            flat = await store.read("ZRANGE", key, 0, -1, "WITHSCORES")
        else:
            flat = await store.read("HGETALL", key)
        pairs = zip(flat[::2], flat[1::2], strict=True)
        found[key] = {field: _value(key, value) for field, value in pairs}
    return found


def _value(key: str, value: bytes) -> Any:
    if key.endswith(":units"):
        text = value.decode()
        while text.endswith(NOBODY):
            text = text[: -len(NOBODY)]
        return text
    if key.endswith(":offers"):
        return unpack_offer(value)
    if key.endswith((":allotments", ":withheld")):
        return msgspec.msgpack.decode(value)
    return value


def differences(ours: dict[str, Any], theirs: dict[str, Any]) -> list[str]:
    """Every field that is not the same on both sides."""
    return [
        f"{key} {field!r}: {ours.get(key, {}).get(field)} {theirs.get(key, {}).get(field)}"
        for key in ours.keys() | theirs.keys()
        for field in ours.get(key, {}).keys() | theirs.get(key, {}).keys()
        if ours.get(key, {}).get(field) != theirs.get(key, {}).get(field)
    ]

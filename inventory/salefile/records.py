"""A raw record (names and values of whatever type) becomes a value, field by field.

Every wrong field of a record is told, not only the first; the words come from the field's own
`description`, so that a bound and its message cannot drift apart. Files and JSON bodies both come
through here.
"""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Literal, TypeVar, get_args, get_origin

import msgspec
from msgspec import NODEFAULT, UNSET, Meta
from msgspec.structs import FieldInfo, fields

from inventory.salefile.problems import Place, Problems, shown
from inventory.salefile.values import Record

R = TypeVar("R", bound=Record)


class Unreadable(str):
    """A value that could not be read at all; its text says why, in place of the field's rule."""


def build(
    kind: type[R],
    raw: Mapping[str, object],
    place: Place,
    problems: Problems,
    *,
    shown_names: Mapping[str, str] | None = None,
    at: Callable[[str], Place] | None = None,
) -> R | None:
    """The record, or None after every wrong field of it was added to `problems`.

    `shown_names` maps a field to what its file calls it (`starts_at_ms` → `starts_at`); `at` gives
    the place of a field, where it has one of its own.
    """
    names = shown_names or {}
    before = problems.count
    values: dict[str, Any] = {}
    for info in _fields(kind):
        value = raw.get(info.encode_name, UNSET)
        called = names.get(info.name, info.encode_name)
        if value is UNSET:
            if info.default is NODEFAULT and info.default_factory is NODEFAULT:
                problems.add(place, f"{called} is missing: {rule_of(info.type)}")
            continue
        try:
            values[info.name] = _converted(value, info.type)
        except msgspec.ValidationError:
            reason = str(value) if isinstance(value, Unreadable) else rule_of(info.type)
            what = called if isinstance(value, Unreadable) else f"{called} is {shown(value)}"
            problems.add(at(info.encode_name) if at else place, f"{what}: expected {reason}")
    for name in raw.keys() - {info.encode_name for info in _fields(kind)}:
        hint = problems.nearest(name, (names.get(f.name, f.encode_name) for f in _fields(kind)))
        problems.add(at(name) if at else place, f"{shown(name)} is not a field here{hint}")
    if problems.count > before:
        return None
    return kind(**values)


@cache
def _fields(kind: type[Record]) -> tuple[FieldInfo, ...]:
    return fields(kind)


def _converted(value: object, kind: Any) -> Any:
    if isinstance(value, Unreadable):
        raise msgspec.ValidationError(str(value))
    # JSON has one kind of number: 195.0 is an integer to many writers of it.
    if isinstance(value, float) and value.is_integer() and _is_int(kind):
        value = int(value)
    return msgspec.convert(value, kind)


@cache
def _is_int(kind: Any) -> bool:
    return get_args(kind)[:1] == (int,)


def rule_of(kind: Any) -> str:
    """What a field's type allows, in words."""
    if get_origin(kind) is Literal:
        return "one of " + ", ".join(get_args(kind))
    for part in (kind, *get_args(kind)):
        for meta in getattr(part, "__metadata__", ()):
            if isinstance(meta, Meta) and meta.description:
                return meta.description
    return "true or false" if kind is bool else "a JSON Web Key set"

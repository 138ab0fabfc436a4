"""compose.yaml as a person's `docker compose` would read it, on addresses of this test alone.

Every service has a loopback address of its own, so that ports stay as they are written; what the
test writes in place of a service's name or of "all addresses" is that address.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.house.sources import HOUSE

_VARIABLE = re.compile(r"\$\{(\w+)(?:(:[?-])([^}]*))?\}|\$\$")


class Missing(Exception):
    """A variable that compose would refuse to go on without."""


def interpolate(text: str, variables: dict[str, str]) -> str:
    """Fill in `${NAME}`, `${NAME:-default}` and `${NAME:?message}` as compose does."""

    def value(found: re.Match[str]) -> str:
        name, operator, rest = found.groups()
        if name is None:
            return "$"
        told = variables.get(name, "")
        if told or operator is None:
            return told
        if operator == ":?":
            raise Missing(f"{name}: {rest}")
        return str(rest)

    return _VARIABLE.sub(value, text)


def environment_file(text: str) -> dict[str, str]:
    """The variables of a file of NAME=value lines."""
    pairs = (line.partition("=") for line in text.splitlines() if re.match(r"\w+=", line))
    return {name: value.strip('"') for name, _, value in pairs}


def seconds(text: str) -> float:
    """A duration as compose writes it: 25s, 1m30s."""
    parts = re.findall(r"([\d.]+)(ms|s|m|h)", text)
    assert "".join(number + unit for number, unit in parts) == text, text
    each = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
    return sum(float(number) * each[unit] for number, unit in parts)


def load(variables: dict[str, str]) -> dict[str, Any]:
    """The whole file with its variables filled in. Raises Missing."""
    text = (HOUSE / "compose.yaml").read_text(encoding="utf-8")
    whole: dict[str, Any] = _filled(yaml.safe_load(text), variables)
    return whole


def _filled(node: Any, variables: dict[str, str]) -> Any:
    match node:
        case dict():
            return {name: _filled(value, variables) for name, value in node.items()}
        case list():
            return [_filled(value, variables) for value in node]
        case str():
            return interpolate(node, variables)
        case _:
            return node


@dataclass(frozen=True, slots=True)
class Addresses:
    """A loopback address for each service, and the directory that stands for its volumes."""

    of: dict[str, str]
    home: Path

    def here(self, service: str, text: str) -> str:
        """A text of the service with names, addresses and paths that are good on this machine."""
        own = self.of[service]
        for name, address in self.of.items():
            text = re.sub(rf"\b{name}:(?=\d)", f"{address}:", text)
        text = text.replace("0.0.0.0", own).replace("127.0.0.1", own)  # noqa: S104
        return re.sub(r"^/state\b", str(self.home / "state"), text)

"""What the OpenAPI description says that a call may answer, and whether an answer is of it.

Belongs here: status, problem code, and the members of the body, one level deep, which is cheap
enough for every answer of a load. The whole depth is the schema tests' matter.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from loadtest.crowd.calls import Ask

PROBLEM = "application/problem+json"


@dataclass(frozen=True, slots=True)
class _Operation:
    method: str
    path: re.Pattern[str]
    responses: dict[str, Any]


class Description:
    """The description of one server."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._schemas: dict[str, Any] = document["components"]["schemas"]
        self._operations = [
            _Operation(method.upper(), _pattern(path), operation["responses"])
            for path, operations in document["paths"].items()
            for method, operation in operations.items()
        ]
        self._seen: dict[tuple[object, ...], str] = {}

    def missing(self, ask: Ask, status: int, body: dict[str, Any]) -> str:
        """What of an answer is not described; "" when all is.

        Calls of one kind are of one operation, so that each form of answer is looked up once.
        """
        form = (ask.kind, status, body.get("code"), *body)
        known = self._seen.get(form)
        if known is None:
            path = urlsplit(ask.url).path
            known = self._seen[form] = self._missing(ask.method, path, status, body)
        return known

    def _missing(self, method: str, path: str, status: int, body: dict[str, Any]) -> str:
        for operation in self._operations:
            if operation.method == method and operation.path.fullmatch(path):
                response = operation.responses.get(str(status))
                if response is None:
                    return f"status {status} is not described"
                return self._unlike(response.get("content", {}), body)
        return "the call is not described"

    def _unlike(self, content: dict[str, Any], body: dict[str, Any]) -> str:
        if PROBLEM in content:
            codes = content[PROBLEM]["schema"]["allOf"][1]["properties"]["code"]["enum"]
            if body.get("code") not in codes:
                return f"code {body.get('code')} is not described"
            return ""
        reference = content.get("application/json", {}).get("schema", {}).get("$ref", "")
        schema = self._schemas.get(reference.rpartition("/")[2], {})
        absent = set(schema.get("required", ())) - set(body)
        unknown = set(body) - set(schema["properties"]) if "properties" in schema else set()
        if absent or unknown:
            return f"without {sorted(absent)}, with {sorted(unknown)}"
        return ""


def _pattern(path: str) -> re.Pattern[str]:
    parts = re.split(r"\{\w+\}", path)
    return re.compile("[^/]+".join(re.escape(part) for part in parts))

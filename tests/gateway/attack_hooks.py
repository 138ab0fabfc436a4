"""Loaded by schemathesis in its own process: hands out credentials, and makes bodies whole.

What a call gets depends on its content, and on how often that content was asked before.
"""

import json
import os
from collections import Counter
from pathlib import Path
from typing import Any
from zlib import crc32

import schemathesis
from schemathesis import Case, HookContext

PLAN = json.loads(Path(os.environ["DROPGATE_ATTACK"]).read_text(encoding="utf-8"))
FOREIGN_SHARE = 5
"""One of so many calls comes with a credential that it does not take."""
WHOLE_EVERY = 3
"""Of an operation's calls that its schema allows every third is about what is really there."""
_asked = Counter[int]()
_allowed = Counter[str]()


@schemathesis.hook
def before_call(_context: HookContext, case: Case[Any], _options: dict[str, Any]) -> None:
    """Fill in who asks, and what a random body lacks."""
    name = case.operation.definition.raw["operationId"]
    drawn = crc32(repr((case.path_parameters, case.query, case.headers, case.body)).encode())
    _asked[drawn] += 1
    drawn += _asked[drawn]
    is_positive = case.meta is not None and case.meta.generation.mode.is_positive
    _allowed[name] += is_positive
    is_whole = is_positive and _allowed[name] % WHOLE_EVERY == 0
    if is_whole:
        _be_there(PLAN["calls"][name], case)
        drawn += drawn % FOREIGN_SHARE == 0
    authorization = _authorization(PLAN["calls"][name], case, drawn)
    if authorization is not None:
        case.headers["Authorization"] = authorization
    if drawn % FOREIGN_SHARE and case.headers:
        case.headers.pop("Dropgate-Login", None)  # none is as good as the right one
    if is_positive:
        base = PLAN["bodies"].get(name)
        if name == "shopper_confirm":
            base = PLAN["bodies"].get(case.path_parameters["order"])
        good = PLAN["calls"][name]["body"] if is_whole else None
        whole = _whole(base, case.body, drawn) if good is None else _named(good, case)
        if whole != case.body:  # one that is set counts as changed, and no more as good
            case.body = whole


def _be_there(call: dict[str, Any], case: Case[Any]) -> None:
    """Let the call be about a sale, an order, a day that is there: in its path, or in its query."""
    for part in (case.path_parameters, case.query):
        for name in set(part or ()) & set(call["there"]):
            choices = call["there"][name]
            part[name] = choices[sum(_allowed.values()) % len(choices)]


def _named(body: dict[str, Any], case: Case[Any]) -> dict[str, Any]:
    """A sale file is of the sale that the path names, which is new and has no revision yet."""
    if isinstance(body.get("sale"), dict):
        case.headers.pop("If-Match", None)
        return body | {"sale": body["sale"] | {"id": case.path_parameters["sale"]}}
    return body


def _authorization(call: dict[str, Any], case: Case[Any], drawn: int) -> str | None:
    is_foreign, drawn = drawn % FOREIGN_SHARE == 0, drawn // FOREIGN_SHARE
    owner = call["owners"].get(case.path_parameters.get("order"))
    choices = [owner] if owner is not None else call["own"]
    if is_foreign or not choices:
        choices = call["others"]
    chosen: str | None = choices[drawn % len(choices)]
    return chosen


def _whole(base: Any, body: Any, drawn: int) -> Any:
    """The body with what its schema cannot say: a good sale or proof, how many or which."""
    if isinstance(base, str) and isinstance(body, str):
        return base + body if drawn % 2 else base
    if isinstance(base, dict) and isinstance(body, dict):
        part = sorted(body)[drawn % len(body)] if body else ""
        return base | ({part: body[part]} if part else {})
    return _decided(body)


def _decided(part: Any) -> Any:
    """Lines that name seats or a quantity, not both and not neither."""
    if isinstance(part, list):
        return [_decided(one) for one in part]
    if not isinstance(part, dict):
        return part
    whole = {name: _decided(value) for name, value in part.items()}
    if "offer" in whole:
        size = "units" if "lot" in whole else "quantity"
        if whole.get("seats") is not None:
            whole.pop(size, None)
        else:
            whole[size] = whole.get(size) or 1
    return whole

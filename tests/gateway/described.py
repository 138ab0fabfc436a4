"""Holds answers against the OpenAPI document: status, media type, problem code, and body.

A small reader of JSON schema with just the words that the document uses; a word that it does not
know fails, so that nothing passes unread.
"""

import re
from typing import Any

IGNORED = {"title", "description", "default", "examples", "pattern", "format", "contentEncoding"}
TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}


class Described:
    """An OpenAPI document, and which of its responses were seen."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self._routes = [
            (re.compile(re.sub(r"{\w+}", "[^/]+", path) + r"\Z"), path)
            for path in document["paths"]
        ]

    def check(self, method: str, path: str, status: int, media_type: str, data: Any) -> None:
        """Raise AssertionError unless the document says that this answer may come."""
        route = self.route(path.split("?", maxsplit=1)[0])
        operation = self.document["paths"].get(route, {}).get(method.lower())
        if operation is None:  # an unknown path or a wrong method: told in the one error shape
            assert status >= 400, f"{method} {path} is not described"
            assert set(data) >= {"type", "title", "status", "detail", "code"}, data
            return
        said = f"{method} {path} answered {status}"
        response = operation["responses"].get(str(status))
        assert response is not None, f"{said}, which is not described: {data}"
        if status in (204, 304):
            return
        content = response["content"].get(media_type.split(";", maxsplit=1)[0])
        if content is None:
            content = response["content"].get(media_type.replace('"', ""))
        assert content is not None, f"{said} as {media_type}, which is not described"
        if "json" in media_type and "ndjson" not in media_type:
            wrong = self.wrong(content["schema"], data, "$")
            assert not wrong, f"{said}: {wrong}"

    def route(self, path: str) -> str:
        """The described path that an actual one is of; literal ones come first."""
        if path in self.document["paths"]:
            return path
        return next((route for form, route in self._routes if form.match(path)), "")

    def wrong(self, schema: dict[str, Any], value: Any, at: str) -> str:
        """What of a value is not as its schema says; "" when all is."""
        if "$ref" in schema:
            name = schema["$ref"].rsplit("/", 1)[-1]
            return self.wrong(self.document["components"]["schemas"][name], value, at)
        if "allOf" in schema:
            found = (self.wrong(one, value, at) for one in schema["allOf"])
            return next((wrong for wrong in found if wrong), "")
        if "anyOf" in schema:
            told = [self.wrong(one, value, at) for one in schema["anyOf"]]
            return "" if "" in told else f"{at}: {told}"
        for word, rule in schema.items():
            wrong = self._broken(word, rule, schema, value, at)
            if wrong:
                return wrong
        return ""

    def _broken(self, word: str, rule: Any, schema: dict[str, Any], value: Any, at: str) -> str:
        match word:
            case "type":
                kinds = TYPES[rule]
                fits = isinstance(value, kinds) and (rule == "boolean" or value is not True)
                return "" if fits else f"{at} is {value!r}, not {rule}"
            case "enum":
                return "" if value in rule else f"{at} is {value!r}, not of {rule}"
            case "required":
                missing = [name for name in rule if name not in value]
                return f"{at} lacks {missing}" if missing else ""
            case "properties":
                told = [
                    self.wrong(rule[name], part, f"{at}.{name}")
                    for name, part in value.items()
                    if name in rule
                ]
                unknown = value.keys() - rule.keys() if schema.get("title") else ()
                return next((wrong for wrong in told if wrong), "") or (
                    f"{at} has {sorted(unknown)}" if unknown else ""
                )
            case "items":
                told = [self.wrong(rule, part, f"{at}[{n}]") for n, part in enumerate(value)]
                return next((wrong for wrong in told if wrong), "")
            case "additionalProperties":
                if isinstance(rule, dict):
                    told = [self.wrong(rule, part, f"{at}.*") for part in value.values()]
                    return next((wrong for wrong in told if wrong), "")
                return ""
            case "minItems":
                return "" if len(value) >= rule else f"{at} has {len(value)} items"
            case "maxItems":
                return "" if len(value) <= rule else f"{at} has {len(value)} items"
            case "minimum":
                return "" if value >= rule else f"{at} is {value}"
            case "maximum":
                return "" if value <= rule else f"{at} is {value}"
            case _:
                assert word in IGNORED, f"the reader does not know {word!r}"
                return ""

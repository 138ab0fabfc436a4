"""Constants of scripts, put in where they are used, because Lua 5.1 has none.

A local in capitals that a function uses would be an upvalue: looked up at each use, and bound anew
for every function at every call of the script. Here: `local A, B = 1, 'x'` at the beginning of a
line, all names in capitals, all values numbers or texts. Line numbers stay as they are.
"""

import re

_NAME, _VALUE = r"[A-Z][A-Z0-9_]*", r"-?\d+|'(?:\\.|[^'\\\n])*'"
_DECLARED = re.compile(
    rf"^local ({_NAME}(?:,\s+{_NAME})*) =\s+((?:{_VALUE})(?:,\s+(?:{_VALUE}))*)(?= *(?:--.*)?$)",
    re.MULTILINE,
)
_ONE_VALUE = re.compile(_VALUE)
_TOKEN = re.compile(rf"--.*|'(?:\\.|[^'\\\n])*'|\"[^\"\n]*\"|[.\w]*[a-z.]\w*|\b({_NAME})\b")


class BadConstant(Exception):
    """A script declares a constant twice, or with too few values."""


def put_in(script: str) -> str:
    """The script with the values in place of the names. Raises BadConstant."""
    values: dict[str, str] = {}

    def declared(match: re.Match[str]) -> str:
        names, given = re.findall(_NAME, match[1]), _ONE_VALUE.findall(match[2])
        for name, value in zip(names, given, strict=False):
            if values.setdefault(name, value) != value:
                raise BadConstant(f"{name} is {values[name]} and {value}")
        if len(names) != len(given):
            raise BadConstant(f"{len(names)} names and {len(given)} values: {match[1]}")
        return "\n" * match[0].count("\n")

    def used(match: re.Match[str]) -> str:
        return values.get(match[1], match[0]) if match[1] else match[0]

    return _TOKEN.sub(used, _DECLARED.sub(declared, script))

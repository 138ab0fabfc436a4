"""The words of the pages, for those that are written here: the line without scripts, the draw.

The words stand in the pages' own modules, once; they are read from there. How they are chosen and
how numbers are written follows `common/i18n.js`.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gateway.site import PAGES

NAMES = {"en": "English", "zh": "中文", "fi": "Suomi", "ar": "العربية"}
"""The languages, each by its name in itself."""
_FILES = ("common/i18n.js", "common/problems.js", "common/problems-more.js", "shop/words-line.js",
          "shop/words-line-more.js", "fair/words.js", "fair/words-more.js")  # fmt: skip
_OWN = "shop/plain.json"
_SECTION = re.compile(r"^  (en|zh|fi|ar): \{\n(.*?)^  \},$", re.MULTILINE | re.DOTALL)
_PROBLEMS = re.compile(r"^const (EN|ZH|FI|AR) = \{\n(.*?)^\};$", re.MULTILINE | re.DOTALL)
_PROBLEM = re.compile(r'^  (\w+): ("(?:[^"\\]|\\.)*"),$', re.MULTILINE)
_PAIR = re.compile(r'"([\w.]+)": ("(?:[^"\\]|\\.)*")')
_FACT = re.compile(r"\{(\w+)\}")
_EASTERN = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")
_GROUPS = {"en": ",", "zh": ",", "fi": "\N{NO-BREAK SPACE}", "ar": "٬"}
ASKED_MAX = 200


@dataclass(frozen=True, slots=True)
class Language:
    """One language: its code, how it is written, and its words by their keys."""

    code: str
    words: dict[str, str]

    @property
    def tag(self) -> str:
        """As HTML names it."""
        return "zh-CN" if self.code == "zh" else self.code

    @property
    def direction(self) -> str:
        """From left to right, or from right to left."""
        return "rtl" if self.code == "ar" else "ltr"

    def say(self, key: str, **facts: object) -> str:
        """The words of a key, with its facts in them."""
        return _FACT.sub(lambda name: str(facts.get(name[1], name[0])), self.words[key])

    def number(self, value: int) -> str:
        """A whole number as it is written."""
        return self.digits(f"{value:,}".replace(",", _GROUPS[self.code]))

    def digits(self, text: str) -> str:
        """A text's digits as they are written."""
        return text.translate(_EASTERN) if self.code == "ar" else text


class Languages:
    """All languages that shoppers are spoken to in."""

    def __init__(self, directory: Path = PAGES) -> None:
        found: dict[str, dict[str, str]] = json.loads((directory / _OWN).read_text("utf-8"))
        for name in _FILES:
            for code, key, text in _read((directory / name).read_text("utf-8")):
                found[code][key] = text
        self._languages = {code: Language(code, words) for code, words in found.items()}

    def known(self, asked: str) -> str:
        """The code of a language that was asked for, "" for one that is none of ours."""
        return asked if asked in self._languages else ""

    def choose(self, asked: str, accepted: str) -> Language:
        """The one that was asked for, else the first of `Accept-Language` that there is."""
        wanted = [asked, *(one.split("-")[0].split(";")[0] for one in accepted.split(","))]
        for one in wanted:
            found = self._languages.get(one.strip().lower()[:ASKED_MAX])
            if found is not None:
                return found
        return self._languages["en"]

    def __iter__(self) -> Iterator[Language]:
        return iter(self._languages.values())


def _read(text: str) -> Iterator[tuple[str, str, str]]:
    for code, section in _SECTION.findall(text):
        for key, said in _PAIR.findall(section):
            yield code, key, json.loads(said)
    for code, section in _PROBLEMS.findall(text):
        for key, said in _PROBLEM.findall(section):
            yield code.lower(), f"problem.{key}", json.loads(said)

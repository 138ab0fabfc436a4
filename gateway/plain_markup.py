"""The few elements of the pages that are written here: HTML from words, and the page around it.

Here belongs how a text becomes HTML; what is said belongs to the pages themselves. Whatever is not
called `html` is a text, and is escaped here.
"""

from collections.abc import Iterable
from html import escape
from urllib.parse import urlencode

from gateway.words import NAMES, Language


def document(
    said: Language, title: str, body: str, *, assets: str, styles: Iterable[str], head: str = ""
) -> bytes:
    """The whole page; `body` and `head` are HTML, `styles` files of the pages."""
    links = "".join(f'<link rel="stylesheet" href="{assets}/{one}">' for one in styles)
    html = (
        f'<!doctype html><html lang="{said.tag}" dir="{said.direction}"><head>'
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)}</title>{links}{head}</head><body>{body}</body></html>"
    )
    return html.encode()


def query(lang: str, **more: object) -> str:
    """The query of a page: the language that was asked for, "" for none, and what else it takes."""
    return "?" + urlencode(({"lang": lang} if lang else {}) | more)


def languages(said: Language, **more: object) -> str:
    """The same page in each language."""
    links = []
    for code, name in NAMES.items():
        marks = f'lang="{code}" hreflang="{code}"'
        marks += ' aria-current="true"' if code == said.code else ""
        links.append(f'<a href="{escape(query(code, **more))}" {marks}>{name}</a>')
    return f'<nav class="row small" aria-label="{t(said, "head.languages")}">{"".join(links)}</nav>'


def h2(text: str) -> str:
    """A heading of a part of the page."""
    return f"<h2>{escape(text)}</h2>"


def p(html: str, kind: str = "") -> str:
    """A paragraph."""
    return f'<p class="{kind}">{html}</p>' if kind else f"<p>{html}</p>"


def notice(text: str, kind: str = "warn") -> str:
    """A paragraph that stands out."""
    return f'<p class="notice {kind}"><span>{escape(text)}</span></p>'


def t(said: Language, key: str, **facts: object) -> str:
    """The words of a key, as HTML."""
    return escape(said.say(key, **facts))


def link(address: str, text: str, marks: str = "") -> str:
    """A link; `marks` are further attributes, as HTML."""
    return f'<a href="{escape(address)}"{marks}>{escape(text)}</a>'

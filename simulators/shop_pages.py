"""The shop's two pages: where a browser signs in and where it pays, both clearly a simulator.

Belongs here: the way of a browser that is sent to a shop and comes back with what the shop signed
behind the `#` of the address, which no server ever sees. A real shop asks for a password and moves
money; what it must do like this one is to send nobody to an address that it does not know.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape
from string import Template
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from aiohttp import web

LOOPBACK = ("127.0.0.1", "localhost")
TEXT_MAX_CHARS = 120

SignIn = Callable[[str], str]
"""From a user's name to the assertion that it is them."""
Pay = Callable[[str, int, str], str]
"""From an order, an amount and a currency to the proof that it was paid."""

_WORDS: dict[str, dict[str, str]] = {
    "en": {
        "mark": "Simulator: a made-up shop. No real account, no real money.",
        "login": "Sign in",
        "user": "Your name (any will do)",
        "go_login": "Sign in",
        "pay": "Pay",
        "order": "Order",
        "go_pay": "Pay {amount}",
        "cancel": "Do not pay",
    },
    "zh": {
        "mark": "模拟商城：没有真实账户，也不涉及真实付款。",
        "login": "登录",
        "user": "您的名字（任意填写）",
        "go_login": "登录",
        "pay": "付款",
        "order": "订单",
        "go_pay": "支付 {amount}",
        "cancel": "不付款",
    },
}
_PAGE = Template("""<!doctype html>
<html lang="$lang"><head><meta charset="utf-8"><title>$title</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
:root { color-scheme: light dark; }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 26rem; margin: 3rem auto; padding: 0 1rem; }
p.mark { border: 2px dashed; padding: .6rem .8rem; border-radius: .5rem; }
input, button { font: inherit; min-height: 44px; width: 100%; margin: .4rem 0; padding: .4rem .8rem;
  box-sizing: border-box; border: 1px solid; border-radius: .5rem; }
button { font-weight: 600; cursor: pointer; }
</style></head>
<body><main><p class="mark">$mark</p><h1>$title</h1>$body</main></body></html>
""")


def pages(sign_in: SignIn, pay: Pay) -> list[web.RouteDef]:
    """The routes of both pages and of what their buttons send."""

    async def login(request: web.Request) -> web.Response:
        words, back = _words(request), _back(request.query)
        field = f'<label for="user">{words["user"]}</label><input id="user" name="user" required '
        field += f'maxlength="{TEXT_MAX_CHARS}" autocomplete="username" autofocus>'
        body = _form("/login/page", back, field + f"<button>{words['go_login']}</button>")
        return _page(words, words["login"], body)

    async def log_in(request: web.Request) -> web.Response:
        form = await request.post()
        user = _text(form, "user")
        return _return(_back(form), {"login": sign_in(user)})

    async def till(request: web.Request) -> web.Response:
        words, back = _words(request), _back(request.query)
        order, amount, currency = _payment(request.query)
        told = f"<p>{words['order']}: <code>{escape(order)}</code></p>"
        asked = {**back, "order": order, "amount_minor": str(amount), "currency": currency}
        pay_it = words["go_pay"].format(amount=escape(f"{currency} {amount / 100:.2f}"))
        buttons = f'<button name="pay" value="yes">{pay_it}</button>'
        buttons += f'<button name="pay" value="no">{words["cancel"]}</button>'
        return _page(words, words["pay"], told + _form("/pay/page", asked, buttons))

    async def take(request: web.Request) -> web.Response:
        form = await request.post()
        order, amount, currency = _payment(form)
        told = {"order": order}
        if form.get("pay") == "yes":
            told["payment"] = pay(order, amount, currency)
        return _return(_back(form), told)

    return [
        web.get("/login", login),
        web.post("/login/page", log_in),
        web.get("/pay", till),
        web.post("/pay/page", take),
    ]


def _back(asked: Mapping[str, Any]) -> dict[str, str]:
    """Where the browser came from and its `state`; only addresses of this machine are known."""
    return_to, state = _text(asked, "return_to", 500), _text(asked, "state")
    parts = urlsplit(return_to)
    if parts.scheme != "http" or parts.hostname not in LOOPBACK or parts.fragment:
        raise web.HTTPUnprocessableEntity(text="return_to: this shop sends nobody there")
    return {"return_to": return_to, "state": state}


def _return(back: Mapping[str, str], told: Mapping[str, str]) -> web.Response:
    where = back["return_to"] + "#" + urlencode({**told, "state": back["state"]}, quote_via=quote)
    return web.Response(status=303, headers={"Location": where, "Referrer-Policy": "no-referrer"})


def _payment(asked: Mapping[str, Any]) -> tuple[str, int, str]:
    amount = _text(asked, "amount_minor")
    if not amount.isascii() or not amount.isdigit() or len(amount) > 15:
        raise web.HTTPUnprocessableEntity(text="amount_minor must be minor units, an integer")
    return _text(asked, "order"), int(amount), _text(asked, "currency", 3)


def _text(asked: Mapping[str, Any], name: str, chars_max: int = TEXT_MAX_CHARS) -> str:
    given = asked.get(name)
    if not isinstance(given, str) or not 0 < len(given) <= chars_max:
        raise web.HTTPUnprocessableEntity(text=f"{name} must be 1..{chars_max} characters")
    return given


def _words(request: web.Request) -> dict[str, str]:
    lang = "zh" if request.headers.get("Accept-Language", "").startswith("zh") else "en"
    return {"lang": lang, **_WORDS[lang]}


def _form(action: str, hidden: Mapping[str, str], body: str) -> str:
    kept = "".join(
        f'<input type="hidden" name="{name}" value="{escape(value)}">'
        for name, value in hidden.items()
    )
    return f'<form method="post" action="{action}">{kept}{body}</form>'


def _page(words: Mapping[str, str], title: str, body: str) -> web.Response:
    shown = _PAGE.substitute(lang=words["lang"], mark=words["mark"], title=title, body=body)
    return web.Response(text=shown, content_type="text/html")

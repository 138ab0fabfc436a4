"""A small client of Dropgate for partners, in one file of plain Python: copy it and go on.

It shows the three things that cost money when they are left out: a write is repeated with the same
key until it is answered, codes are downloaded into a file that goes on where it broke off, and the
events' cursor is kept after what came before it was dealt with.

    export DROPGATE=https://tickets.example KEY=dgk_partner_…
    python3 dropgate_partner.py sell SALE OFFER --buyer user-77 --key order-1001
    python3 dropgate_partner.py codes SALE ALLOTMENT codes.ndjson
    python3 dropgate_partner.py events --cursor events.cursor --follow
"""

import argparse
import http.client
import json
import os
import random
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

AGAIN = frozenset({429, 500, 502, 503, 504})
"""Nothing is known, or it is too soon: the same again, with the same key."""
NO_ANSWER = (OSError, http.client.HTTPException)
TIMEOUT_S = 15.0
PAUSE_FIRST_S, PAUSE_MAX_S = 0.5, 30.0
PIECE_BYTES = 64 * 1024


class Refused(Exception):
    """Dropgate has decided against it. Decide by `code`; `problem` has all that was told."""

    def __init__(self, status: int, problem: dict[str, Any]) -> None:
        self.status, self.problem = status, problem
        self.code = str(problem.get("code", "unknown"))
        super().__init__(f"{status} {self.code}: {problem.get('detail', '')}")


@dataclass(slots=True)
class Dropgate:
    """One partner's calls. `url` is Dropgate's address, `key` the partner's key."""

    url: str
    key: str

    def me(self) -> Any:
        """Who the key is."""
        return self._call("GET", "/v1/partner/me")

    def sell(
        self, sale: str, offer: str, quantity: int, *, buyer: str, reference: str, key: str
    ) -> Any:
        """Sell in one step; the order. Write `key` down before you call this. Raises Refused."""
        body = {
            "sale": sale,
            "buyer": buyer,
            "reference": reference,
            "lines": [{"offer": offer, "quantity": quantity}],
        }
        return self._call("POST", "/v1/partner/orders", body, key)

    def codes(self, sale: str, allotment: str, file: Path) -> int:
        """Download an allotment's codes into a file of NDJSON, or what the file lacks of them.

        Killed at any moment, it goes on with the next call. Returns how many units the file has.
        """
        path = f"/v1/partner/allotments/{quote(allotment)}/codes"
        pauses = _pauses()
        while True:
            after = _mend(file)
            try:
                last = self._append(f"{path}?{urlencode({'sale': sale, 'after': after})}", file)
            except NO_ANSWER:
                last = None
            if last is not None and _mend(file) == last:
                with file.open("rb") as lines:
                    return sum(1 for _ in lines)
            time.sleep(next(pauses))

    def events(self, cursor: Path) -> Iterator[dict[str, Any]]:
        """The events after the cursor; it moves past an event when the next one is asked for."""
        after = int(cursor.read_text(encoding="ascii")) if cursor.exists() else 0
        while page := self._call("GET", f"/v1/partner/events?after={after}&limit=1000")["events"]:
            for event in page:
                yield event
                after = event["seq"]
                _replace(cursor, str(after))

    def _call(self, method: str, path: str, body: Any = None, key: str = "") -> Any:
        """The answer's JSON, however often it takes. Raises Refused."""
        for pause in _pauses():
            try:
                status, retry_after_s, told = self._once(method, path, body, key)
            except NO_ANSWER:
                status, retry_after_s, told = 503, 0.0, None
            if status < 300 and told is not None:  # one that was cut in its headers says nothing
                return told
            if 300 <= status < 500 and status not in AGAIN:
                raise Refused(status, told or {})
            time.sleep(max(pause, retry_after_s))
        raise AssertionError("it is asked without end")

    def _once(self, method: str, path: str, body: Any, key: str) -> tuple[int, float, Any]:
        connection = self._connection()
        try:
            sent = None if body is None else json.dumps(body).encode()
            connection.request(method, path, sent, self._headers(key))
            answer = connection.getresponse()
            retry_after = answer.headers.get("Retry-After", "")
            retry_after_s = float(retry_after) if retry_after.isdecimal() else 0.0
            return answer.status, retry_after_s, _json(answer.read())
        finally:
            connection.close()

    def _append(self, path: str, file: Path) -> int | None:
        """Add the answer's whole lines to a file as they come; the allotment's last unit.

        None when it is to be asked again. Raises Refused, and NO_ANSWER when the line breaks.
        """
        connection = self._connection()
        try:
            connection.request("GET", path, headers=self._headers())
            answer = connection.getresponse()
            if answer.status in AGAIN:
                return None
            if answer.status != 200:
                raise Refused(answer.status, _json(answer.read()) or {})
            with file.open("ab") as lines:
                while piece := answer.read1(PIECE_BYTES):
                    lines.write(piece)
            last = answer.headers.get("Dropgate-Last-Unit")
            return None if last is None else int(last)
        finally:
            connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        at = urlsplit(self.url)
        kind = http.client.HTTPSConnection if at.scheme == "https" else http.client.HTTPConnection
        return kind(at.netloc, timeout=TIMEOUT_S)

    def _headers(self, key: str = "") -> dict[str, str]:
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        return {**headers, "Idempotency-Key": key} if key else headers


def _json(text: bytes) -> Any:
    """What an answer says; None when it was cut, or is somebody else's page."""
    try:
        return json.loads(text)
    except ValueError:
        return None


def _pauses() -> Iterator[float]:
    """Growing pauses without end, spread so that many clients do not come back together."""
    pause = PAUSE_FIRST_S
    while True:
        yield pause * random.uniform(0.7, 1.3)
        pause = min(2 * pause, PAUSE_MAX_S)


def _mend(file: Path) -> int:
    """Cut an unfinished last line off; the unit of the last whole one, -1 when there is none."""
    if not file.exists():
        os.close(os.open(file, os.O_CREAT | os.O_WRONLY, 0o600))  # for its owner's eyes alone
    with file.open("rb+") as lines:
        size = end = lines.seek(0, os.SEEK_END)
        tail = b""
        while end > 0 and tail.rstrip(b"\n").count(b"\n") < 2:
            end = max(0, end - PIECE_BYTES)
            lines.seek(end)
            tail = lines.read(size - end)
        whole = tail[: tail.rfind(b"\n") + 1]
        lines.truncate(end + len(whole))
        return int(json.loads(whole.splitlines()[-1])["unit"]) if whole else -1


def _replace(file: Path, text: str) -> None:
    """Write a file whole or not at all."""
    fresh = file.with_name(file.name + ".new")
    fresh.write_text(text, encoding="ascii")
    fresh.replace(file)


def _arguments() -> argparse.Namespace:
    about, _, examples = (__doc__ or "").partition("\n\n    ")
    parser = argparse.ArgumentParser(
        description=about, epilog=examples, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    verbs = parser.add_subparsers(dest="verb", required=True)
    sell = verbs.add_parser("sell", help="sell in one step")
    for name in ("sale", "offer"):
        sell.add_argument(name)
    sell.add_argument("--quantity", type=int, default=1)
    sell.add_argument("--buyer", required=True)
    sell.add_argument("--reference", default="")
    sell.add_argument("--key", required=True, help="this purchase's own; written down before")
    codes = verbs.add_parser("codes", help="download an allotment's codes, or the rest of them")
    for name in ("sale", "allotment", "file"):
        codes.add_argument(name)
    events = verbs.add_parser("events", help="what happened since the last time, a line each")
    events.add_argument("--cursor", type=Path, required=True)
    events.add_argument("--follow", action="store_true", help="go on asking, every second")
    return parser.parse_args()


def main() -> None:
    """Do what the command line says."""
    asked = _arguments()
    try:
        dropgate = Dropgate(os.environ["DROPGATE"], os.environ["KEY"])
    except KeyError as missing:
        sys.exit(f"set {missing.args[0]} in the environment")
    try:
        _do(dropgate, asked)
    except Refused as refused:
        sys.exit(str(refused))


def _do(dropgate: Dropgate, asked: argparse.Namespace) -> None:
    if asked.verb == "sell":
        order = dropgate.sell(
            asked.sale, asked.offer, asked.quantity,
            buyer=asked.buyer, reference=asked.reference, key=asked.key,
        )  # fmt: skip
        print(json.dumps(order, ensure_ascii=False))
    elif asked.verb == "codes":
        units = dropgate.codes(asked.sale, asked.allotment, Path(asked.file))
        print(f"{asked.file} has all {units} units")
    else:
        while True:
            for event in dropgate.events(asked.cursor):
                print(json.dumps(event, ensure_ascii=False), flush=True)
            if not asked.follow:
                return
            time.sleep(1)


if __name__ == "__main__":
    main()

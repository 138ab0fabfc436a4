"""`dropgate verify-draw`: check a draw from its fairness document and its lists."""

import asyncio
from pathlib import Path

import click
import msgspec

from gateway import beacons
from gateway.cli.teaching import Command, epilog
from gateway.cli.telling import Refusal
from queueing import Beacon, Fairness, Finding, against, turn_of_key, verify

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_MARKS = {"holds": "ok    ", "remark": "note  ", "broken": "WRONG "}


@click.command(
    cls=Command,
    epilog=epilog(
        "dropgate verify-draw fairness.json list.0",
        "dropgate verify-draw fairness.json list.0 --key my-join-key",
        "dropgate verify-draw fairness.json list.0 --kept saved-before-the-opening.json",
        "dropgate verify-draw fairness.json list.0 --beacon https://another-relay.example",
    ),
    short_help="Check a draw from its published list.",
)
@click.argument("file", type=_FILE)
@click.argument("lists", type=_FILE, nargs=-1)
@click.option("--kept", type=_FILE, multiple=True, help="A copy of the document from earlier.")
@click.option("--key", help="The key that you joined with: your number and turn.")
@click.option("--beacon", metavar="URL", help="Ask this relay for the beacon's round again.")
def verify_draw(
    file: Path, lists: tuple[Path, ...], kept: tuple[Path, ...], key: str | None, beacon: str | None
) -> int:
    """Compute a draw again from FILE and the LISTS of its lanes; status 3 when anything is wrong.

    FILE is what GET /v1/sales/{sale}/fairness answers, the lists what …/fairness/list?lane=0 and so
    on do, in the order of the lanes; without LISTS they are read from FILE.0, FILE.1 beside it.
    """
    draw = _document(file)
    beside = (file.with_name(f"{file.name}.{lane}") for lane in range(len(draw.lanes)))
    names = lists or tuple(name for name in beside if name.exists())
    leaves = {lane: name.read_bytes() for lane, name in enumerate(names)}
    findings = list(verify(draw, leaves))
    for copy in kept:
        findings += list(against(draw, leaves, _document(copy)))
    if beacon and draw.beacon and draw.round:
        findings.append(asyncio.run(_asked_again(draw, beacon)))
    for finding in findings:
        click.echo(_MARKS[finding.grade] + finding.what)
    for remark in draw.remarks:
        click.echo(_MARKS["remark"] + remark)
    if key:
        click.echo(_told(draw, leaves, key))
    return 3 if any(finding.grade == "broken" for finding in findings) else 0


def _document(file: Path) -> Fairness:
    try:
        return msgspec.json.decode(file.read_bytes(), type=Fairness)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Refusal(f"{file} is no fairness document: {error}") from error


async def _asked_again(draw: Fairness, relay: str) -> Finding:
    """What another relay of the beacon says of the round."""
    beacon = Beacon.of(" ".join((relay.rstrip("/"), *draw.beacon.split(" ")[1:])))
    told = await beacons.ask(beacon, draw.round)
    if told is None:
        return Finding("remark", f"{relay} does not tell round {draw.round}")
    if draw.beacon_outcome == "unanswered":
        return Finding("remark", f"{relay} has round {draw.round}, which is said to be missing")
    if (told.randomness, told.signature) == (draw.randomness, draw.signature):
        return Finding("holds", f"{relay} tells the same of round {draw.round}")
    return Finding("broken", f"{relay} tells another value of round {draw.round}: it was made up")


def _told(draw: Fairness, leaves: dict[int, bytes], key: str) -> str:
    """Where the holder of a join key stands."""
    found = turn_of_key(draw, leaves, key)
    if found is None:
        return "      That key is not in the lists: it joined after the opening, or not at all."
    lane, number, turn = found
    return f"      lane {draw.lanes[lane].name}, number {number}: " + (
        f"turn {turn}" if turn else "not drawn yet"
    )

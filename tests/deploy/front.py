"""The front's configuration on addresses of a test, and the real program with it."""

from pathlib import Path

from tests.house.sources import HOUSE

CONFIGURATION = HOUSE / "deploy" / "haproxy" / "haproxy.cfg"
CONNECTIONS = 32_000


def on(text: str, own: str, gateways: list[str]) -> str:
    """The configuration with `own` in place of all addresses, and the gateways' in place of names.

    Everything else stays as it is written; names need Docker's resolver, addresses need none.
    """
    for number, address in enumerate(gateways, start=1):
        name = f" gateway{number}:8080"
        assert text.count(name) == 2  # when it is ready, and when none is
        text = text.replace(name, f" {address}")
    for written, here in (
        ("bind :8080", f"bind {own}:8080"),
        ("bind 127.0.0.1:8404", f"bind {own}:8404"),
        (" resolvers docker init-addr none", ""),
        (f"maxconn {CONNECTIONS} ", "maxconn 1000 "),  # as many files as any machine allows
    ):
        assert text.count(written) == 1
        text = text.replace(written, here)
    return text


def written(directory: Path, own: str, gateways: list[str]) -> Path:
    """The configuration as a file."""
    path = directory / "haproxy.cfg"
    path.write_text(on(CONFIGURATION.read_text(encoding="utf-8"), own, gateways), encoding="utf-8")
    return path

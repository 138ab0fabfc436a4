"""The settings of every process: their names, types, defaults and what they are for.

Here: the settings as data, and the only reading of the environment in the whole project. Not here:
what a setting does. A setting comes from the command line, else from the environment variable
`DROPGATE_<NAME>`, else from its default; `python -m gateway.config` prints docs/settings.md.
"""

import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Self, get_args

import msgspec
from msgspec import Meta

PREFIX = "DROPGATE_"


class BadSetting(Exception):
    """A setting has a value that it cannot have; says which, and where it came from."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What a process was told. Every field is a setting."""

    state_dir: Annotated[
        Path,
        Meta(
            description="The one directory of an installation: data, keys, logs, and where its "
            "processes are."
        ),
    ] = Path(".dropgate")
    store_url: Annotated[
        str,
        Meta(
            description="Valkey or Redis 7.0 and later: `unix:///path/to/socket`, "
            "`redis://host:port/0`, `redis-cluster://host:port,host:port` (some of a cluster's "
            "nodes) or `redis-sentinel://host:port,host:port/name` (sentinels, and what they "
            "call the primary). Empty: the embedded server of the state directory."
        ),
    ] = ""
    database_url: Annotated[
        str,
        Meta(
            description="PostgreSQL 14 and later: `postgresql://user:password@host/database`. "
            "Empty: the embedded server of the state directory."
        ),
    ] = ""
    assume_durable: Annotated[
        bool,
        Meta(
            description="Start although the store forbids reading its settings: you know that it "
            "runs with `appendonly yes`, `appendfsync always` and `maxmemory-policy noeviction`."
        ),
    ] = False
    durability: Annotated[
        str,
        Meta(
            pattern="^(local|replica)$",
            description="What a success has waited for before it is told: `local`, the disk of the "
            "server that gave it; `replica`, also the disks of so many of its replicas. "
            "docs/deploy.md says what each can lose.",
        ),
    ] = "local"
    replicas: Annotated[
        int,
        Meta(
            ge=1,
            le=8,
            description="With `durability` `replica`: how many replicas must have a success. All "
            "that a primary has: nothing told is lost while one of them lives. All but one: "
            "selling also goes on while one of them is away.",
        ),
    ] = 1
    server_account: Annotated[
        str,
        Meta(
            description="The account that runs the embedded PostgreSQL when `dropgate up` is "
            "started by root, which PostgreSQL itself refuses to run as."
        ),
    ] = "nobody"
    host: Annotated[str, Meta(description="The address that gateways listen on.")] = "127.0.0.1"
    port: Annotated[
        int,
        Meta(ge=0, le=65535, description="The port that all gateways share. 0: any free one."),
    ] = 8080
    gateways: Annotated[
        int, Meta(ge=1, le=256, description="How many gateway processes `dropgate up` runs.")
    ] = 2
    metrics_host: Annotated[
        str,
        Meta(
            description="The address of each process's own port: metrics and health, nothing else."
        ),
    ] = "127.0.0.1"
    metrics_port: Annotated[
        int,
        Meta(
            ge=0,
            le=65279,  # 256 gateways still fit behind it
            description="The own port of the first gateway; the next ones and the settlement "
            "worker take the ports after it. 0: any free ones.",
        ),
    ] = 9101
    metrics_peers: Annotated[
        tuple[str, ...],
        Meta(
            description="The own ports, as `host:port,host:port`, of all processes that `/metrics` "
            "on the shared port sums. `dropgate up` sets it."
        ),
    ] = ()
    trusted_proxies: Annotated[
        tuple[str, ...],
        Meta(
            description="Whose `X-Forwarded-For` is believed, addresses and networks by commas: "
            "your load balancer, as gateways see it. Needed for limits by network; see "
            "docs/deploy.md."
        ),
    ] = ()
    keys_dir: Annotated[
        Path | None,
        Meta(description="Where the secret keys are. Empty: `keys` in the state directory."),
    ] = None
    test_mode: Annotated[
        bool,
        Meta(
            description="Accept the payment adapter named `test`, which anybody can pay with. "
            "Never in production."
        ),
    ] = False
    drain_delay_s: Annotated[
        float,
        Meta(
            ge=0,
            le=300,
            description="How long a stopping gateway says that it is not ready and serves on, so "
            "that load balancers take it out first. 5 behind one; 0 where there is none.",
        ),
    ] = 0.0
    drain_s: Annotated[
        float,
        Meta(
            ge=0,
            le=300,
            description="How long a stopping gateway then waits for its open connections.",
        ),
    ] = 10.0

    def __post_init__(self) -> None:
        try:
            for proxy in self.trusted_proxies:
                ip_network(proxy)
        except ValueError as error:
            raise BadSetting(f"trusted_proxies: {error}") from error

    @classmethod
    def load(
        cls, given: Mapping[str, object] | None = None, environment: Mapping[str, str] | None = None
    ) -> Self:
        """The settings `given` (None: not given), else the environment's, else the defaults.

        Raises BadSetting for a value of the wrong type or range.
        """
        environment = os.environ if environment is None else environment
        values: dict[str, Any] = {}
        for one in described():
            asked = (given or {}).get(one.name)
            if asked is not None:
                values[one.name] = one.parse(asked, f"--{one.name.replace('_', '-')}")
            elif one.variable in environment:
                values[one.name] = one.parse(environment[one.variable], one.variable)
        return cls(**values)

    def environment(self) -> dict[str, str]:
        """The environment for a process of ours that is to have the same settings."""
        inherited = {name: text for name, text in os.environ.items() if not name.startswith(PREFIX)}
        # Settings travel by environment: a URL may hold a password, and argv is for all to see.
        return inherited | {
            one.variable: one.show(getattr(self, one.name))
            for one in described()
            if getattr(self, one.name) != one.default
        }

    @property
    def replicas_awaited(self) -> int:
        """How many replicas must have a success before it is told."""
        return self.replicas if self.durability == "replica" else 0

    @property
    def keys(self) -> Path:
        """The directory of the keyring."""
        return self.keys_dir or self.state_dir / "keys"


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting as data."""

    name: str
    type: Any
    default: object
    meta: Meta

    @property
    def variable(self) -> str:
        """Its environment variable."""
        return PREFIX + self.name.upper()

    def parse(self, asked: object, source: str) -> object:
        """Its value from a text or from the command line's value. Raises BadSetting."""
        if asked == "" and not self.default:
            return self.default
        if isinstance(asked, str) and self.type == tuple[str, ...]:
            asked = [part.strip() for part in asked.split(",")]
        try:
            return msgspec.convert(
                asked, Annotated[self.type, self.meta], strict=False, dec_hook=_path
            )
        except (msgspec.ValidationError, ValueError) as error:
            raise BadSetting(f"{source}={asked}: {error}") from error

    def show(self, value: object) -> str:
        """The text that `parse` reads back as the value."""
        if isinstance(value, tuple):
            return ",".join(value)
        if isinstance(value, bool):
            return str(value).lower()
        return "" if value is None else str(value)

    @property
    def kind(self) -> str:
        """Its type in words."""
        words = {bool: "true or false", str: "text", int: "integer", float: "number", Path: "path"}
        if self.type == tuple[str, ...]:
            return "list, by commas"
        kind = words.get(self.type, "path")
        return kind if self.meta.le is None else f"{kind}, {self.meta.ge} to {self.meta.le}"


def _path(wanted: type, text: object) -> Path:
    assert wanted is Path
    if not text:
        raise ValueError("a path cannot be empty")
    return Path(str(text))


def described() -> Iterator[Setting]:
    """Every setting as data, in the order of the class."""
    for one in msgspec.structs.fields(Settings):
        base, meta = get_args(one.type)
        yield Setting(one.name, base, one.default, meta)


def as_markdown() -> str:
    """The text of docs/settings.md."""
    lines = [
        "# Settings",
        "",
        "Every process reads the same settings: from its command line (`--store-url`), else from",
        "the environment (`DROPGATE_STORE_URL`), else the default. This page is made by",
        "`python -m gateway.config > docs/settings.md`, and a test compares the two.",
        "",
        "| variable | type | default | what |",
        "|---|---|---|---|",
    ]
    for one in described():
        default = f"`{one.show(one.default)}`" if one.show(one.default) else "empty"
        lines.append(f"| `{one.variable}` | {one.kind} | {default} | {one.meta.description} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(as_markdown())

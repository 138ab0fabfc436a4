"""compose.yaml: what it names is there and can be, and all of it really runs, word for word.

Each service gets a loopback address of its own and the command, environment, health check and
stop signal that are written; real servers stand behind, with the very flags.
"""

import re
import signal
import stat
import subprocess
import time
import tomllib

import pytest
import yaml

from gateway.config import PREFIX, Settings, described
from gateway.installation import CLOSING_S
from gateway.settling import FINISH_S
from tests.deploy import dockerfile, front
from tests.deploy.composefile import Missing, load, seconds
from tests.deploy.processes import status
from tests.deploy.stand import EXAMPLE, FINAL, GATEWAYS, OURS, SECRETS, SERVICES, WHOLE, Up
from tests.house.sources import HOUSE

pytestmark = pytest.mark.timeout(600)


def _each() -> pytest.MarkDecorator:
    return pytest.mark.parametrize("name", SERVICES)


@pytest.mark.parametrize("name", SECRETS)
def test_nothing_starts_without_a_secret(name: str) -> None:
    """An example with its passwords left empty is refused, with the file to look at."""
    assert EXAMPLE[name] == ""
    with pytest.raises(Missing, match=f"{name}: see deploy/compose.env.example"):
        load({**EXAMPLE, **SECRETS, name: ""})


@_each()
def test_every_image_is_one_release(name: str) -> None:
    """Images are named with the tag of a release; ours with the version of the project."""
    image, _, tag = SERVICES[name]["image"].partition(":")
    assert re.fullmatch(r"v?\d+\.\d+(\.\d+)?(-[a-z]+)?", tag), f"{image}:{tag}"
    if name in OURS:
        project = tomllib.loads((HOUSE / "pyproject.toml").read_text(encoding="utf-8"))
        assert (image, tag) == ("dropgate", project["project"]["version"])
        assert (HOUSE / SERVICES[name]["build"] / "Dockerfile").is_file()


@_each()
def test_every_service_has_bounds(name: str) -> None:
    """Memory, CPU, log, restart and privileges are said; whoever runs on has a health check."""
    service = SERVICES[name]
    assert set(service["deploy"]["resources"]["limits"]) == {"cpus", "memory"}
    assert service["restart"] in ("no", "unless-stopped")
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["logging"]["options"]["max-size"]
    if name not in (*GATEWAYS, "settlement", "grafana"):  # theirs is the image's own
        assert "healthcheck" in service


@_each()
def test_every_name_is_one(name: str) -> None:
    """Services that are waited for, volumes, networks and files that are mounted are there."""
    service = SERVICES[name]
    for other, how in service.get("depends_on", {}).items():
        assert how["condition"] in ("service_healthy", "service_completed_successfully")
        done = SERVICES[other]["restart"] == "no"
        assert done is (how["condition"] == "service_completed_successfully")
    assert set(service["networks"]) <= set(WHOLE["networks"])
    for volume in service.get("volumes", ()):
        source = volume.split(":")[0]
        assert source in WHOLE["volumes"] or (HOUSE / source).exists(), volume


@_each()
def test_nothing_is_open_to_the_world_by_itself(name: str) -> None:
    """Ports are of this machine alone until somebody says otherwise; servers have none."""
    for port in SERVICES[name].get("ports", ()):
        assert port.startswith("127.0.0.1:")
    assert ("ports" in SERVICES[name]) <= ("outer" in SERVICES[name]["networks"])
    assert WHOLE["networks"]["inner"]["internal"]


@pytest.mark.parametrize("name", OURS)
def test_every_setting_is_one(name: str) -> None:
    """Each DROPGATE_* is a setting with a value that it can have; all processes share the keys."""
    environment = SERVICES[name]["environment"]
    assert {one for one in environment if one.startswith(PREFIX)} == set(environment)
    assert set(environment) <= {one.variable for one in described()}
    settings = Settings.load({}, {**dockerfile.settings_of(FINAL), **environment})
    assert SERVICES[name]["volumes"] == [f"state:{settings.state_dir}"]
    assert settings.test_mode is False


def test_a_stop_has_the_time_it_needs() -> None:
    """Grace is longer than draining, posting the rest, and the front's last calls."""
    for name in GATEWAYS:
        settings = Settings.load({}, SERVICES[name]["environment"])
        drain = settings.drain_delay_s + settings.drain_s + CLOSING_S
        assert drain <= seconds(SERVICES[name]["stop_grace_period"])
    assert seconds(SERVICES["settlement"]["stop_grace_period"]) > FINISH_S
    assert seconds(SERVICES["front"]["stop_grace_period"]) > 25
    assert "hard-stop-after 25s" in front.CONFIGURATION.read_text(encoding="utf-8")
    assert SERVICES["front"]["ulimits"]["nofile"] > 2 * front.CONNECTIONS


def test_prometheus_asks_processes_that_are_there() -> None:
    """Every target of the scrape configuration is a process of compose.yaml, on its own port."""
    mounted = HOUSE / SERVICES["prometheus"]["volumes"][0].split(":")[0]
    told = yaml.safe_load((mounted / "prometheus.yml").read_text(encoding="utf-8"))
    listed = [
        file
        for job in told["scrape_configs"]
        for group in job["file_sd_configs"]
        for file in group["files"]
    ]
    targets = {
        target
        for file in listed
        for group in yaml.safe_load((mounted / file).read_text(encoding="utf-8"))
        for target in group["targets"]
    }
    own = Settings.load({}, dockerfile.settings_of(FINAL)).metrics_port
    assert targets == {f"{name}:{own}" for name in (*GATEWAYS, "settlement")}


def test_grafana_finds_its_dashboards_and_prometheus() -> None:
    """What the provisioning names is where compose.yaml mounts it, and who serves it."""
    provisioned, dashboards = SERVICES["grafana"]["volumes"][:2]
    source = HOUSE / provisioned.split(":")[0]
    (provider,) = yaml.safe_load(
        (source / "dashboards" / "dropgate.yml").read_text(encoding="utf-8")
    )["providers"]
    assert provider["options"]["path"] == dashboards.split(":")[1]
    (origin,) = yaml.safe_load(
        (source / "datasources" / "prometheus.yml").read_text(encoding="utf-8")
    )["datasources"]
    assert origin["url"] == "http://prometheus:9090"


def test_the_keys_are_made_once_and_for_their_owner(up: Up) -> None:
    """All processes share the keys of one volume, and nobody else may read them."""
    keys = sorted((up.home / "state" / "keys").glob("*.json"))
    assert len(keys) == 10
    assert {stat.S_IMODE(key.stat().st_mode) for key in keys} == {0o600}


def test_two_gateways_share_one_port(up: Up) -> None:
    """Calls to the front's port are answered by both gateways: the pages and the API."""
    front_url = f"http://{up.on.of['front']}:8080"
    before = {name: up.requests(name) for name in GATEWAYS}
    for path in ("/livez", "/openapi.json", "/", "/kiosk", "/sales/none", "/docs"):
        assert status(f"{front_url}{path}") == 200, path
    assert status(f"{front_url}/metrics") == 404
    # Each counts its own; the front's questions for health go to both all the time.
    assert all(up.requests(name) > before[name] for name in GATEWAYS)


def test_the_doctor_finds_nothing_bad(up: Up) -> None:
    """`dropgate doctor` inside: servers, keys and all three processes are as they must be."""
    peers = ",".join(f"{name}:9101" for name in (*GATEWAYS, "settlement"))
    words = up.image.words("dropgate", "doctor", "--metrics-peers", up.on.here("gateway1", peers))
    done = subprocess.run(
        words, env=up.environment("gateway1"), capture_output=True, text=True, check=False,
        cwd=up.home,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "✗ bad" not in done.stdout
    assert done.stdout.count("is ready") == 3
    assert SECRETS["STORE_PASSWORD"] not in done.stdout


def test_a_gateway_that_stops_fails_no_call_and_comes_back(up: Up) -> None:
    """STOPSIGNAL under calls: it is unhealthy, then gone within its grace; the front loses none."""
    url = f"http://{up.on.of['front']}:8080/livez"
    assert status(url) == 200
    stopping = up.running["gateway1"]
    stop = signal.Signals[dockerfile.one(FINAL, "STOPSIGNAL").rest]
    grace_s = seconds(SERVICES["gateway1"]["stop_grace_period"])
    begun = time.monotonic()
    stopping.process.send_signal(stop)
    was_unhealthy = False
    while stopping.process.poll() is None:
        assert status(url) == 200
        if not was_unhealthy and time.monotonic() - begun < grace_s / 2:
            was_unhealthy = not up.is_healthy("gateway1")
        assert time.monotonic() - begun < grace_s
    assert stopping.process.returncode == 0
    assert was_unhealthy
    up.start_ours("gateway1")
    up.until_healthy("gateway1")
    assert status(url) == 200


def test_settlement_stops_within_its_grace(up: Up) -> None:
    """The worker posts what is left and ends with status 0."""
    stop = signal.Signals[dockerfile.one(FINAL, "STOPSIGNAL").rest]
    grace_s = seconds(SERVICES["settlement"]["stop_grace_period"])
    assert up.running["settlement"].stop(stop, grace_s) == 0
    up.start_ours("settlement")
    up.until_healthy("settlement")


def test_the_health_checks_say_no_when_the_store_is_gone(up: Up) -> None:
    """A stopped store makes gateways and worker unhealthy, and healthy again when it is back."""
    up.running["valkey"].process.send_signal(signal.SIGSTOP)
    try:
        for name in ("gateway1", "settlement"):
            up.until_healthy(name, healthy=False)
    finally:
        up.running["valkey"].process.send_signal(signal.SIGCONT)
    for name in ("gateway1", "settlement"):
        up.until_healthy(name)

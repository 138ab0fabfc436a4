"""The Dockerfile and what it makes: everything inside, nothing else, and it runs as nobody."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from gateway.config import PREFIX, Settings, described
from gateway.site import PAGES
from tests.deploy import dockerfile
from tests.deploy.image import Image
from tests.house.sources import HOUSE
from tests.ordinary import AS_ROOT

pytestmark = pytest.mark.timeout(600)

BUILD, FINAL = dockerfile.stages((HOUSE / "Dockerfile").read_text(encoding="utf-8"))
PROJECT = tomllib.loads((HOUSE / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def _said(image: Image, *words: str) -> str:
    environment = {"PATH": f"{image.prefix}/bin:/usr/bin:/bin", "LC_ALL": "C.UTF-8"}
    done = subprocess.run(
        image.words(*words), capture_output=True, text=True, check=True, env=environment, cwd="/"
    )
    return done.stdout


def test_both_stages_stand_on_the_python_that_is_tested() -> None:
    """The base is pinned to a patch release, of the minor version that these tests run on."""
    bases = {stage[0].words[0] for stage in (BUILD, FINAL)}
    (base,) = bases
    assert re.fullmatch(r"python:3\.\d+\.\d+-slim-bookworm", base)
    assert base.split(".")[:2] == ["python:3", str(sys.version_info.minor)]


def test_the_settings_of_the_image_are_settings() -> None:
    """Every DROPGATE_* of ENV is a setting, and its value is one that the setting can have."""
    told = dockerfile.settings_of(FINAL)
    ours = {name: value for name, value in told.items() if name.startswith(PREFIX)}
    assert set(ours) <= {one.variable for one in described()}
    settings = Settings.load({}, ours)
    assert (settings.host, settings.metrics_host) == ("0.0.0.0", "0.0.0.0")  # noqa: S104
    exposed = dockerfile.one(FINAL, "EXPOSE").words
    assert exposed == [str(settings.port), str(settings.metrics_port)]
    assert dockerfile.one(FINAL, "VOLUME").words == [str(settings.state_dir)]


def test_the_image_runs_as_an_account_of_its_own() -> None:
    """The user is a number above the system's, made with the state directory that it alone sees."""
    user = dockerfile.one(FINAL, "USER").rest
    assert int(user) >= 10_000
    made = dockerfile.one(FINAL, "RUN").command
    assert f"useradd --system --uid {user} " in made
    assert "install --directory --owner=dropgate --group=dropgate --mode=0700 /state" in made


def test_the_account_can_be_made(tmp_path: Path) -> None:
    """The line that makes the account does so, in a directory in place of /etc."""
    made = dockerfile.one(FINAL, "RUN").command.split("&&")[0].split()
    (tmp_path / "etc").mkdir()
    for name in ("passwd", "group", "shadow", "gshadow"):
        (tmp_path / "etc" / name).touch()
    words = [made[0], "--prefix", str(tmp_path), *made[1:]]
    as_root = [] if AS_ROOT else ["unshare", "--map-root-user"]
    done = subprocess.run(
        [*as_root, *words],
        capture_output=True, text=True, check=False, env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    line = (tmp_path / "etc" / "passwd").read_text()
    assert line.startswith("dropgate:x:10001:")
    assert line.endswith(":/state:/usr/sbin/nologin\n")


def test_the_labels_say_what_it_is() -> None:
    """Version and base of the labels are the real ones."""
    arguments = dict(each.rest.split("=") for each in FINAL if each.word == "ARG")
    assert arguments["VERSION"] == PROJECT["version"]
    labels = dockerfile.one(FINAL, "LABEL").rest
    assert f'base.name="docker.io/library/{FINAL[0].rest}"' in labels
    assert 'image.version="${VERSION}"' in labels


def test_what_builds_the_wheel_is_locked_as_everywhere() -> None:
    """The lock of the build tools is the same as the one that developers have."""
    lock = (HOUSE / "requirements-build.txt").read_text(encoding="utf-8")
    assert lock in (HOUSE / "requirements-dev.txt").read_text(encoding="utf-8")


def test_the_build_sees_the_product_and_nothing_else(image: Image) -> None:
    """Sources, scripts, pages and locks go in; tests, state, caches and secrets stay out."""
    tops = {path.parts[0] for path in image.context}
    packages = {"gateway", "inventory", "lua", "queueing", "settlement", "simulators"}
    files = {"pyproject.toml", "README.md", "requirements.txt", "requirements-build.txt"}
    assert tops == packages | files
    assert not [path for path in image.context if "__pycache__" in path.parts]


def test_the_image_has_every_file_of_the_product(image: Image) -> None:
    """Each file of each package is installed, byte for byte: code, pages, scripts."""
    (packages,) = (image.prefix / "lib").glob("python3.*/site-packages")
    ours = [path for path in image.context if len(path.parts) > 1]
    missing = [path for path in ours if not (packages / path).is_file()]
    assert missing == []
    source = image.home / "source"
    assert [p for p in ours if (packages / p).read_bytes() != (source / p).read_bytes()] == []
    pages = PAGES.relative_to(HOUSE)
    assert {path.parts[2] for path in ours if path.parts[:2] == pages.parts} >= {
        "common", "console", "docs", "kiosk", "partner", "shop", "vendor",
    }  # fmt: skip
    assert not (packages / "gateway" / "pages").is_symlink()


def test_the_image_has_no_tools_left(image: Image) -> None:
    """Neither pip nor a compiler's companion stays behind."""
    left = {path.name for path in (image.prefix / "bin").iterdir()}
    assert not [name for name in left if name.startswith(("pip", "easy_install"))]
    for tool in ("pip", "setuptools"):
        found = f"import importlib.util as u; print(u.find_spec('{tool}'))"
        assert _said(image, "python", "-c", found) == "None\n"


def test_the_command_is_there_for_an_ordinary_user(image: Image) -> None:
    """Whoever runs the image reaches the command and every command behind it."""
    assert (
        _said(image, *dockerfile.one(FINAL, "ENTRYPOINT").words, "--version")
        .strip()
        .endswith(PROJECT["version"])
    )
    for command in ("gateway", "settlement", "migrate", "up", "sale", "doctor"):
        assert "Usage: dropgate" in _said(image, "dropgate", command, "--help")

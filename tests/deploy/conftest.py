"""The image, built once for all tests of a run, and the services of compose.yaml standing on it."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.deploy.image import Image, build
from tests.deploy.stand import Up, start_all
from tests.programs import program


@pytest.fixture(scope="session")
def home() -> Iterator[Path]:
    """A directory that an ordinary user may look into."""
    directory = Path(tempfile.mkdtemp(prefix="dgt-image-", dir="/tmp"))
    directory.chmod(0o755)
    yield directory
    shutil.rmtree(directory)


@pytest.fixture(scope="session")
def image(home: Path) -> Image:
    """The build stage of the Dockerfile, line by line."""
    return build(home)


@pytest.fixture(scope="session")
def up(image: Image) -> Iterator[Up]:
    """Everything that compose.yaml names and that is ours, and the servers behind, healthy."""
    haproxy = program("haproxy", "haproxy")
    home = image.home / "compose"
    home.mkdir()
    home.chmod(0o777)  # several accounts write here, as into volumes
    with ExitStack() as ends:
        up = Up(image, home, ends)
        start_all(up, haproxy)
        yield up

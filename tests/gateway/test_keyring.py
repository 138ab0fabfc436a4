"""The secret keys on disk: made once, for the owner alone, rotated with an overlap."""

import subprocess
import sys
from pathlib import Path

import pytest

from gateway.keyring import NAMES, NAMES_OF_RECORDS, Key, Keyring, KeyringFailed

TURNING = [name for name in NAMES if name not in NAMES_OF_RECORDS]


def test_keys_are_made_once(tmp_path: Path) -> None:
    """A second load reads what the first one made, and no two names share a secret."""
    first, second = Keyring.load(tmp_path / "k"), Keyring.load(tmp_path / "k")
    assert first == second
    assert len({first.current(name).secret for name in NAMES}) == len(NAMES)
    assert {len(first.current(name).secret) for name in NAMES} == {32}


def test_only_the_owner_may_read_them(tmp_path: Path) -> None:
    """The directory is 0700 and each file 0600, and nothing half written is left over."""
    Keyring.load(tmp_path / "k")
    assert (tmp_path / "k").stat().st_mode & 0o777 == 0o700
    files = sorted((tmp_path / "k").iterdir())
    assert [file.name for file in files] == sorted(f"{name}.json" for name in NAMES)
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}


@pytest.mark.parametrize("opened", ["", "order.json"])
def test_keys_that_others_may_read_are_refused(tmp_path: Path, opened: str) -> None:
    """A key that was readable by others is no secret: the process says so and does not start."""
    Keyring.load(tmp_path / "k")
    (tmp_path / "k" / opened).chmod(0o744)
    with pytest.raises(KeyringFailed, match="can be read by others"):
        Keyring.load(tmp_path / "k")


def test_processes_that_start_at_once_agree(tmp_path: Path) -> None:
    """Eight processes that find no keys at the same moment end with the same ones."""
    script = (
        "import sys; from pathlib import Path; from gateway.keyring import NAMES, Keyring\n"
        "sys.stdin.readline(); ring = Keyring.load(Path(sys.argv[1]))\n"
        "print([ring.current(name).secret.hex() for name in NAMES])\n"
    )
    started = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(tmp_path / "k")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(8)
    ]
    for process in started:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    assert len({process.communicate()[0] for process in started}) == 1


def test_a_rotation_overlaps(tmp_path: Path) -> None:
    """The new key is current with an id of its own, and the earlier one still verifies."""
    before = Keyring.load(tmp_path / "k")
    after = before.rotate("place")
    assert after.current("place").kid == 2
    assert after.all("place")[1:] == before.all("place")
    assert Keyring.load(tmp_path / "k") == after
    assert all(after.all(name) == before.all(name) for name in NAMES if name != "place")


@pytest.mark.parametrize("name", [*NAMES_OF_RECORDS, "none", "../place"])
def test_names_of_records_do_not_turn(tmp_path: Path, name: str) -> None:
    """A key that names records, or that is none, refuses rotation and changes nothing."""
    ring = Keyring.load(tmp_path / "k")
    with pytest.raises(KeyringFailed, match="cannot be rotated"):
        ring.rotate(name)
    assert Keyring.load(tmp_path / "k") == ring


@pytest.mark.parametrize("name", TURNING)
def test_a_retired_key_is_gone(tmp_path: Path, name: str) -> None:
    """An earlier key can be taken away, the current one cannot, and ids are never used again."""
    ring = Keyring.load(tmp_path / "k").rotate(name).rotate(name)
    left = ring.retire(name, 1)
    assert [key.kid for key in left.all(name)] == [3, 2]
    for kid in (3, 1, 99):
        with pytest.raises(KeyringFailed, match="has no earlier key"):
            left.retire(name, kid)
    assert [key.kid for key in left.rotate(name).all(name)] == [4, 3, 2]


@pytest.mark.parametrize(
    "text", ["", "{", '{"keys": []}', '{"keys": [{"kid": 1, "secret": "eA=="}]}']
)
def test_a_damaged_file_is_not_made_anew(tmp_path: Path, text: str) -> None:
    """A key that cannot be read stops the process: a fresh one would orphan every record."""
    Keyring.load(tmp_path / "k")
    (tmp_path / "k" / "order.json").write_text(text)
    with pytest.raises(KeyringFailed, match="restore it from the backup"):
        Keyring.load(tmp_path / "k")


def test_a_tool_makes_no_keys(tmp_path: Path) -> None:
    """Opening a ring in a directory without one, or with a part of one, fails and makes nothing."""
    with pytest.raises(KeyringFailed, match="are not in"):
        Keyring.open(tmp_path / "k")
    assert not (tmp_path / "k").exists()
    ring = Keyring.load(tmp_path / "k")
    assert Keyring.open(tmp_path / "k") == ring
    (tmp_path / "k" / "order.json").unlink()
    with pytest.raises(KeyringFailed, match=r"order\.json is not"):
        Keyring.open(tmp_path / "k")


def test_a_key_does_not_show_its_secret() -> None:
    """Printing a key, in a log or a trace, shows its id alone."""
    assert repr(Key(7, b"secret")) == "Key(kid=7)"

"""The settings: where they come from, what is refused, and that they travel to children."""

from pathlib import Path

import pytest

from gateway.config import BadSetting, Settings, described


def test_the_command_line_rules_over_the_environment_over_the_default() -> None:
    """What was typed wins, then DROPGATE_*, then the default."""
    environment = {"DROPGATE_PORT": "9000", "DROPGATE_HOST": "0.0.0.0"}  # noqa: S104
    settings = Settings.load({"port": 7000, "host": None}, environment)
    assert (settings.port, settings.host, settings.gateways) == (7000, "0.0.0.0", 2)  # noqa: S104


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("DROPGATE_PORT", "65536"),
        ("DROPGATE_PORT", "-1"),
        ("DROPGATE_PORT", "tcp://10.0.0.1:80"),
        ("DROPGATE_GATEWAYS", "0"),
        ("DROPGATE_GATEWAYS", "257"),
        ("DROPGATE_TEST_MODE", "maybe"),
        ("DROPGATE_DRAIN_S", "nan"),
        ("DROPGATE_STATE_DIR", ""),
    ],
)
def test_a_value_that_cannot_be_is_refused_by_name(variable: str, text: str) -> None:
    """A wrong type or a value outside the bounds names the variable it came from."""
    with pytest.raises(BadSetting, match=f"^{variable}="):
        Settings.load({}, {variable: text})


def test_a_proxy_that_is_no_address_is_refused() -> None:
    """A typing error in the trusted proxies keeps the process from starting."""
    with pytest.raises(BadSetting, match="trusted_proxies"):
        Settings.load({}, {"DROPGATE_TRUSTED_PROXIES": "127.0.0.1,10.0.0.0/33"})


@pytest.mark.parametrize(("text", "value"), [("0", 0), ("65535", 65535)])
def test_the_bounds_themselves_are_allowed(text: str, value: int) -> None:
    """Both ends of a range belong to it."""
    assert Settings.load({}, {"DROPGATE_PORT": text}).port == value


def test_empty_text_means_the_default() -> None:
    """An empty variable of a setting that may be empty is the default, as if not set."""
    empty = {"DROPGATE_STORE_URL": "", "DROPGATE_KEYS_DIR": "", "DROPGATE_METRICS_PEERS": ""}
    assert Settings.load({}, empty) == Settings()


def test_a_child_gets_the_same_settings() -> None:
    """Whatever was set reads back the same from the environment made for a child."""
    settings = Settings(
        state_dir=Path("/some/where"),
        keys_dir=Path("/some/keys"),
        database_url="postgresql://a:b@h/d",
        assume_durable=True,
        metrics_peers=("127.0.0.1:1", "127.0.0.1:2"),
        trusted_proxies=("127.0.0.1", "10.0.0.0/8"),
        drain_s=2.5,
    )
    assert Settings.load({}, settings.environment()) == settings


def test_a_child_gets_no_setting_that_was_overruled(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable of ours that the command line overruled does not reach the child."""
    monkeypatch.setenv("DROPGATE_PORT", "9000")
    assert "DROPGATE_PORT" not in Settings.load({"port": 8080}).environment()


def test_every_setting_says_what_it_is_for() -> None:
    """No setting is without a description."""
    assert [one.name for one in described() if not one.meta.description] == []

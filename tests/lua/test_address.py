"""The forms of the store's URL."""

import pytest

from lua.address import Address


@pytest.mark.parametrize(
    ("url", "kind", "places", "name"),
    [
        ("unix:///run/valkey.sock", "one", (), ""),
        ("redis://h:1/2", "one", (), ""),
        ("redis-cluster://h:1,i:2", "cluster", (("h", 1), ("i", 2)), ""),
        ("redis-cluster://u:p@h:1,i/0", "cluster", (("h", 1), ("i", 6379)), "0"),
        ("rediss-cluster://[::1]:7,[::2]", "cluster", (("::1", 7), ("::2", 6379)), "0"),
        ("redis-sentinel://h,i:2/shop", "sentinel", (("h", 26379), ("i", 2)), "shop"),
    ],
)
def test_each_form_is_read(
    url: str, kind: str, places: tuple[tuple[str, int], ...], name: str
) -> None:
    """One server, some nodes of a cluster, or sentinels and what they call the primary."""
    read = Address.parse(url)
    assert (read.kind, read.places) == (kind, places)
    assert read.name in (name, "")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://h",
        "redis-clutser://h",
        "redis-cluster://",
        "redis-cluster://h:1,",
        "redis-cluster://h:x",
        "redis-cluster://h/1",
        "redis-sentinel://h:1",
        "unix-cluster:///s",
    ],
)
def test_another_form_is_refused(url: str) -> None:
    """A URL that cannot be meant is named wrong before anything is connected to."""
    with pytest.raises(ValueError, match=r"redis-sentinel|primary|database 0"):
        Address.parse(url)


def test_every_server_gets_the_same_credentials() -> None:
    """User, password, TLS and options of the URL are those of each server; sentinels get TLS."""
    cluster = Address.parse("rediss-cluster://u:p@h:1/?ssl_ca_certs=/ca.pem")
    assert cluster.server(("::1", 7)) == "rediss://u:p@[::1]:7/0?ssl_ca_certs=/ca.pem"
    watched = Address.parse("redis-sentinel://u:p@h:1/shop")
    assert watched.server(("i", 2)) == "redis://u:p@i:2/0"
    assert watched.sentinel(("h", 1)) == "redis://h:1"
    private = Address.parse("rediss-sentinel://u:p@h:1/shop?password=p&ssl_ca_certs=/ca.pem")
    assert private.server(("i", 2)) == "rediss://u:p@i:2/0?password=p&ssl_ca_certs=/ca.pem"
    assert private.sentinel(("h", 1)) == "rediss://h:1?ssl_ca_certs=%2Fca.pem"

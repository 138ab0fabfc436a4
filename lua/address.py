"""Where the store is: the forms that its URL may have.

Here: reading the URL. Not here: connecting (lua.node) and finding who serves what (lua.cluster,
lua.sentinel).
"""

from dataclasses import dataclass
from typing import Literal, Self
from urllib.parse import parse_qsl, urlencode, urlsplit

CLUSTER_PORT = 6379
SENTINEL_PORT = 26379
FORMS = (
    "unix:///path/to/socket, redis://host:port/0, redis-cluster://host:port,host:port or "
    "redis-sentinel://host:port,host:port/name"
)
_KINDS: dict[str, Literal["cluster", "sentinel"]] = {"cluster": "cluster", "sentinel": "sentinel"}

Place = tuple[str, int]
"""A host and a port."""


@dataclass(frozen=True, slots=True)
class Address:
    """The store's URL, read.

    `one`: a single server, whose own URL it is. Else `places` are some of the cluster's nodes, or
    sentinels that watch the primary called `name`; user and password are those of the servers, and
    sentinels are asked without. What is said of TLS holds for both.
    """

    kind: Literal["one", "cluster", "sentinel"]
    url: str
    places: tuple[Place, ...] = ()
    name: str = ""
    _scheme: str = "redis"
    _user: str = ""
    _query: str = ""

    @classmethod
    def parse(cls, url: str) -> Self:
        """Read a URL; raises ValueError for one that has none of the known forms."""
        parts = urlsplit(url)
        scheme, _, form = parts.scheme.partition("-")
        user, at, hosts = parts.netloc.rpartition("@")
        if form == "" and scheme in ("redis", "rediss", "unix"):
            scheme = scheme.replace("unix", "redis")
            return cls("one", url, (), "", scheme, user + at, parts.query)
        if scheme not in ("redis", "rediss") or form not in _KINDS:
            raise ValueError(f"the store's URL must be {FORMS}")
        kind, name = _KINDS[form], parts.path.strip("/")
        if kind == "sentinel" and not name:
            raise ValueError("a sentinel's URL ends with the name of the primary that it watches")
        if kind == "cluster" and name not in ("", "0"):
            raise ValueError("a cluster has only database 0")
        usual = SENTINEL_PORT if kind == "sentinel" else CLUSTER_PORT
        places = tuple(_place(host, usual) for host in hosts.split(","))
        return cls(kind, url, places, name, scheme, user + at, parts.query)

    def server(self, place: Place) -> str:
        """The URL of another server with the same credentials."""
        query = f"?{self._query}" if self._query else ""
        return f"{self._scheme}://{self._user}{_shown(place)}/0{query}"

    def sentinel(self, place: Place) -> str:
        """The URL of one sentinel."""
        tls = urlencode([one for one in parse_qsl(self._query) if one[0].startswith("ssl_")])
        return f"{self._scheme}://{_shown(place)}{'?' * bool(tls)}{tls}"


def _place(text: str, usual: int) -> Place:
    host, colon, port = text.rpartition(":")
    if not colon or text.endswith("]"):  # no port; an IPv6 address stands in brackets
        host, port = text, str(usual)
    host = host.strip("[]")
    if not host or not port.isdigit():
        raise ValueError(f"{text!r} is no host:port; the store's URL must be {FORMS}")
    return host, int(port)


def _shown(place: Place) -> str:
    host, port = place
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

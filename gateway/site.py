"""The pages as this process serves them: read once, named by their content, ready compressed.

Here belong the files, their digest and their headers. Which paths show a page is said in
`routes.pages`; what a page does is in `pages/` and happens in the browser, on the public API.
"""

import gzip
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Self

PAGES = Path(__file__).parent / "pages"
MARK = b"{{assets}}"
"""What a page writes before the path of a file; becomes `/assets/<digest>`."""
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".json": "application/json",
    ".woff2": "font/woff2",
    ".png": "image/png",
}
FOREVER = "public, max-age=31536000, immutable"
MINUTE = "public, max-age=60"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'{styles}; img-src 'self' data: blob:; "
    "connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
_LOOSE_STYLES = frozenset({"docs"})
"""Pages whose vendored viewer sets style attributes."""
_COMPRESSED_FROM = 512


@dataclass(frozen=True)
class File:
    """One file: its bytes and headers."""

    body: bytes
    media_type: str
    cache: str
    policy: str = ""

    @cached_property
    def etag(self) -> str:
        """Changes whenever a byte does."""
        return f'"{hashlib.sha256(self.body).hexdigest()[:16]}"'

    @cached_property
    def gzipped(self) -> bytes:
        """The same, compressed; empty where that is not worth it."""
        if len(self.body) < _COMPRESSED_FROM or self.media_type.startswith(("font/", "image/png")):
            return b""
        return gzip.compress(self.body, mtime=0)


class Site:
    """All pages and the files that they ask for."""

    def __init__(self, files: dict[str, bytes]) -> None:
        whole = hashlib.sha256()
        for path in sorted(files):
            whole.update(f"{path}\n{len(files[path])}\n".encode())
            whole.update(files[path])
        self.digest = whole.hexdigest()[:16]
        self._assets = {
            path: File(body, _type(path), FOREVER)
            for path, body in files.items()
            if not path.endswith(".html")
        }
        self._pages = dict(self._made_pages(files))

    @classmethod
    def read(cls, directory: Path = PAGES) -> Self:
        """The site of a directory; files of other types than `TYPES` are not served."""
        found = (path for path in directory.rglob("*") if path.suffix in TYPES)
        return cls({str(path.relative_to(directory)): path.read_bytes() for path in found})

    def page(self, name: str) -> File:
        """The page of a folder: its `index.html`."""
        return self._pages[name]

    def asset(self, digest: str, path: str) -> File | None:
        """A file that a page asks for, or None.

        A page of another version asks by another digest while that one is being replaced: it gets
        the file as it is here, to be used this once.
        """
        found = self._assets.get(path)
        if found is None or digest == self.digest:
            return found
        return File(found.body, found.media_type, "no-store")

    def _made_pages(self, files: dict[str, bytes]) -> Iterator[tuple[str, File]]:
        for path, body in files.items():
            name, _, file = path.partition("/")
            if file == "index.html":
                styles = " 'unsafe-inline'" if name in _LOOSE_STYLES else ""
                made = body.replace(MARK, f"/assets/{self.digest}".encode())
                yield name, File(made, TYPES[".html"], MINUTE, POLICY.format(styles=styles))


def _type(path: str) -> str:
    return TYPES[Path(path).suffix]

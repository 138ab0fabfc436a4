"""What one load is: whom it asks, who comes and how long, and where its files lie. Values only."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Keys:
    """Credentials: partner, operator, each venue's kiosks, and a kiosk that fell into bad hands."""

    partner: str
    operator: str
    kiosks: dict[str, list[str]]
    stolen_kiosk: str


@dataclass(frozen=True, slots=True)
class Plan:
    """One load. `users` is the most of them at once, bots and all."""

    gateway: str
    shop: str
    sale: str
    drop: str
    shape: str
    users: int
    seconds: int
    processes: int
    seed: int
    directory: Path
    keys: Keys

    @property
    def sale_url(self) -> str:
        """The sale's own address."""
        return f"{self.gateway}/v1/sales/{self.sale}"

    @property
    def operator_url(self) -> str:
        """The sale's address for its operators."""
        return f"{self.gateway}/v1/operator/sales/{self.sale}"

    @property
    def file(self) -> Path:
        """Where the plan itself is kept, with its credentials; its owner alone reads it."""
        return self.directory / "plan.json"

    @property
    def partner_key(self) -> Path:
        """The partner's credential as a file."""
        return self.directory / "partner-key"

    @property
    def samples(self) -> Path:
        """What was seen from outside, second by second."""
        return self.directory / "samples.jsonl"

    def journal(self, worker: int) -> Path:
        """What one process's users were promised."""
        return self.directory / f"journal-{worker}.jsonl"

    def timeline(self, worker: int) -> Path:
        """What one process's users did, second by second."""
        return self.directory / f"timeline-{worker}.jsonl"

    def journals(self) -> list[Path]:
        """All journals."""
        return sorted(self.directory.glob("journal-*.jsonl"))

    def timelines(self) -> list[Path]:
        """All timelines."""
        return sorted(self.directory.glob("timeline-*.jsonl"))

    def kiosks_of(self, worker: int) -> dict[str, list[str]]:
        """The kiosks of one process: a kiosk takes one code after the other, so none is shared."""
        return {
            venue: mine
            for venue, all_of_them in self.keys.kiosks.items()
            if (mine := all_of_them[worker :: self.processes])
        }

    def write(self) -> None:
        """Keep it, and the partner's credential, for locust's processes."""
        for path, text in (
            (self.file, json.dumps(asdict(self), default=str, indent=1)),
            (self.partner_key, self.keys.partner),
        ):
            path.touch(mode=0o600)
            path.write_text(text)

    @classmethod
    def read(cls, file: Path) -> Self:
        """The plan that was kept."""
        said = json.loads(file.read_bytes())
        keys = Keys(**said.pop("keys"))
        return cls(**{**said, "directory": Path(said["directory"]), "keys": keys})


def lines(*paths: Path) -> Iterator[dict[str, Any]]:
    """The JSON lines of the files that exist; a last line that was cut off is left out."""
    for path in paths:
        if path.exists():
            for line in path.read_bytes().splitlines():
                try:
                    yield json.loads(line)
                except ValueError:
                    continue

"""Looking an installation over: what a person should know before a drop, and how to mend it.

Here: what is looked at and what is good. Reading what a server is like belongs to the package that
speaks to it; showing the findings to `dropgate doctor`.
"""

import msgspec

from gateway.checkup.finding import Finding, Mark
from gateway.checkup.keys import keys
from gateway.checkup.machine import machine
from gateway.checkup.processes import processes
from gateway.checkup.program import program
from gateway.checkup.servers import database, store
from gateway.config import Settings
from gateway.state import UP, State

__all__ = ["Finding", "Mark", "examine"]


async def examine(settings: Settings) -> list[Finding]:
    """Look at everything; servers of a running `dropgate up` are found by its state directory."""
    embeds_store = not settings.store_url
    found = _found(settings)
    # One after the other: what takes long in one must not be measured in another.
    return [
        *program(),
        *machine(settings, embeds_store=embeds_store),
        *keys(settings.keys),
        *await store(
            found.store_url,
            assume_durable=settings.assume_durable,
            replicas=settings.replicas_awaited,
        ),
        *await database(found.database_url),
        *await processes(settings),
    ]


def _found(settings: Settings) -> Settings:
    up = State(settings.state_dir.absolute()).note(UP)
    urls = up.urls if up else {}
    return msgspec.structs.replace(
        settings,
        store_url=settings.store_url or urls.get("store", ""),
        database_url=settings.database_url or urls.get("database", ""),
    )

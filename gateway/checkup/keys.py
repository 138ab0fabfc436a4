"""The secret keys: there, for their owner alone, and which ids they have."""

from pathlib import Path

from gateway.checkup.finding import Finding, Findings
from gateway.keyring import NAMES, Keyring, KeyringFailed

_OTHERS = 0o077


def keys(directory: Path) -> list[Finding]:
    """What is known of the keys without showing one."""
    found = Findings("keys")
    if not directory.exists():
        found.warn(
            f"there are no keys in {directory} yet; the first start makes them",
            f"cp -a BACKUP/keys {directory}  # if this installation has ever sold anything",
        )
        return found.all
    open_to_others = [
        path
        for path in (directory, *sorted(directory.glob("*.json")))
        if path.stat().st_mode & _OTHERS
    ]
    for path in open_to_others:
        found.bad(f"{path} can be read by others", f"chmod go= {path}")
    if open_to_others:
        return found.all
    try:
        ring = Keyring.open(directory)
    except (KeyringFailed, PermissionError) as failed:
        found.bad(str(failed), f"cp -a BACKUP/keys {directory}  # or run this as their owner")
        return found.all
    ids = ", ".join(f"{name} {'/'.join(str(key.kid) for key in ring.all(name))}" for name in NAMES)
    found.ok(f"{len(NAMES)} keys for their owner alone, by id: {ids}")
    return found.all

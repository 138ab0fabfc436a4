"""Ports that several processes share or are told of: taken before the processes start.

A reserved port is bound and never listened on: the kernel sends it nothing, and processes of ours
bind it beside us (SO_REUSEPORT). So a port that another program has is found out at once, and no
other program takes it while one of ours is being restarted.
"""

import socket
from contextlib import ExitStack

from lua.process import ProgramFailed


class Reservations(ExitStack):
    """The ports of one installation, held until it is closed."""

    def take(self, host: str, port: int, setting: str) -> int:
        """Hold `port` of `host`, or any free one for 0, and return it.

        Raises ProgramFailed, naming the setting, when another program has it.
        """
        try:
            if port:
                _bind(host, port, socket.SO_REUSEADDR).close()  # fails even beside SO_REUSEPORT
            held = self.enter_context(_bind(host, port, socket.SO_REUSEPORT))
        except OSError as error:
            raise ProgramFailed(
                f"cannot use port {port} of {host} ({error.strerror or error}); "
                f"choose another with {setting}"
            ) from error
        return int(held.getsockname()[1])


def _bind(host: str, port: int, option: int) -> socket.socket:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    bound = socket.socket(found[0], found[1])
    try:
        bound.setsockopt(socket.SOL_SOCKET, option, 1)
        bound.bind(found[4])
    except OSError:
        bound.close()
        raise
    return bound

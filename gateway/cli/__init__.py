"""The command `dropgate`: one module for each noun, loaded when it is asked for.

Here: reading the command line, calling one verb, printing what it says. Decisions are the verbs'.
"""

from gateway.cli.group import main

__all__ = ["main"]

"""Reading our own sources for the house rules: which files there are, and what they import."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

HOUSE = Path(__file__).parents[2]
PACKAGES = ("gateway", "queueing", "inventory", "lua", "settlement")
AROUND = ("simulators", "loadtest")


@dataclass(frozen=True, slots=True)
class Source:
    """One Python file: its path in the project, its module name and its syntax tree."""

    path: Path
    tree: ast.Module

    @property
    def module(self) -> str:
        """`inventory.catalogue` for both the package and its `__init__`."""
        parts = self.path.with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    def imports(self) -> Iterator[tuple[int, str]]:
        """Line and full name of everything that is imported, anywhere in the file."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from ((node.lineno, name.name) for name in node.names)
            elif isinstance(node, ast.ImportFrom):
                base = self._base(node)
                yield from ((node.lineno, f"{base}.{name.name}") for name in node.names)

    def _base(self, node: ast.ImportFrom) -> str:
        if node.level == 0:
            return node.module or ""
        inside = self.path.parts[: len(self.path.parts) - node.level]
        return ".".join((*inside, *((node.module,) if node.module else ())))


def sources(house: Path, *folders: str) -> Iterator[Source]:
    """Every Python file under the folders of `house`."""
    for folder in folders:
        for path in sorted((house / folder).rglob("*.py")):
            tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
            yield Source(path.relative_to(house), tree)


def within(name: str, *places: str) -> bool:
    """Whether a dotted name is one of the places or lies in one."""
    return any(name == place or name.startswith(f"{place}.") for place in places)

"""A file fits in the head, and what is written is finished."""

import ast
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

from tests.house.sources import AROUND, HOUSE, PACKAGES, sources

PYTHON_LINES_MAX = 350
LUA_LINES_MAX = 350
FUNCTION_LINES_MAX = 40
README_LINES_MAX = 150
PICTURE_BYTES_MAX = 150_000
UNFINISHED = re.compile(
    r"NotImplementedError|\bTODO\b|\bFIXME\b|\bXXX\b|pytest\.skip\(|@pytest\.mark\.(skip|xfail)"
)
SKIP = re.compile(r"pytest\.skip\(")
MAY_SKIP = {HOUSE / "tests" / "programs.py", HOUSE / "tests" / "pages" / "conftest.py"}
"""Where a test is skipped because the machine lacks a program."""


def _files(*suffixes: str) -> Iterator[Path]:
    for folder in (*PACKAGES, *AROUND, "deploy", "tests", "examples"):
        for path in sorted((HOUSE / folder).rglob("*")):
            if path.suffix in suffixes:
                yield path


def long_files(paths: Iterator[Path], limit: int) -> list[str]:
    """The files of more lines than `limit`."""
    counted = ((path, len(path.read_text(encoding="utf-8").splitlines())) for path in paths)
    return [f"{path}: {lines} lines" for path, lines in counted if lines > limit]


def long_functions(house: Path, limit: int) -> list[str]:
    """The functions of more lines than `limit`, without their decorators and docstring."""
    found = []
    for source in sources(house, *PACKAGES, *AROUND):
        for node in ast.walk(source.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.body[0].lineno + 1
                if ast.get_docstring(node) is not None:
                    lines -= (node.body[0].end_lineno or 0) - node.body[0].lineno + 1
                if lines > limit:
                    found.append(f"{source.path}:{node.lineno} {node.name}: {lines} lines")
    return found


def test_no_file_is_too_long() -> None:
    """Python and Lua files stay below the limit; a longer one has two subjects."""
    assert long_files(_files(".py"), PYTHON_LINES_MAX) == []
    assert long_files(_files(".lua"), LUA_LINES_MAX) == []


def test_no_function_is_too_long() -> None:
    """A function is seen at one glance."""
    assert long_functions(HOUSE, FUNCTION_LINES_MAX) == []


def test_a_long_file_and_function_are_found(tmp_path: Path) -> None:
    """One line over the limit is found, the limit itself is not."""
    (tmp_path / "lua").mkdir()
    file = tmp_path / "lua" / "x.py"
    file.write_text("def f():\n" + "    a = 1\n" * 4)
    assert long_functions(tmp_path, 4) == []
    assert long_functions(tmp_path, 3) == ["lua/x.py:1 f: 4 lines"]
    assert long_files(iter([file]), 5) == []
    assert long_files(iter([file]), 4) == [f"{file}: 5 lines"]


def test_nothing_is_left_unfinished() -> None:
    """No stub, no note to do it later, no test skipped but for a program that is not installed."""
    here = Path(__file__)
    found = [
        f"{path}:{number}"
        for path in _files(".py", ".lua", ".js", ".css", ".html")
        if path != here and "vendor" not in path.parts
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if UNFINISHED.search(line) and not (path in MAY_SKIP and SKIP.search(line))
    ]
    assert found == []


def test_every_package_is_shipped() -> None:
    """A folder of ours with Python in it is in the distribution's list, and nothing else is."""
    project = tomllib.loads((HOUSE / "pyproject.toml").read_text(encoding="utf-8"))
    listed = project["tool"]["setuptools"]["packages"]
    folders = {
        source.path.parent.as_posix().replace("/", ".")
        for source in sources(HOUSE, *PACKAGES, "simulators")
    }
    assert sorted(listed) == sorted(folders)


def test_the_readme_is_short() -> None:
    """Whoever is new reads it to the end."""
    assert len((HOUSE / "README.md").read_text(encoding="utf-8").splitlines()) <= README_LINES_MAX


def test_the_readmes_pictures_are_small_and_there() -> None:
    """Each picture that it shows is committed, each that is committed is shown; none is heavy."""
    shown = set(re.findall(r'src="(docs/pictures/[^"]+)"', (HOUSE / "README.md").read_text()))
    there = {str(one.relative_to(HOUSE)) for one in (HOUSE / "docs" / "pictures").iterdir()}
    assert shown == there != set()
    assert all((HOUSE / one).stat().st_size <= PICTURE_BYTES_MAX for one in there)


def test_no_address_of_a_package_index_is_kept() -> None:
    """The lock holds names and hashes; where packages come from is the machine's business."""
    for name in ("requirements.txt", "requirements-dev.txt", "pyproject.toml"):
        text = (HOUSE / name).read_text(encoding="utf-8")
        assert re.search(r"--(extra-)?index-url|https?://[^\s]*/simple", text) is None


def test_the_entry_of_the_checks_runs_what_the_readme_names() -> None:
    """.ci/run is executable and runs `make check test`."""
    script = HOUSE / ".ci" / "run"
    assert script.stat().st_mode & 0o111
    assert "\nmake check test\n" in script.read_text(encoding="utf-8")
    assert subprocess.run(["bash", "-n", str(script)], check=False).returncode == 0

"""Who may import whom. The arrows of the house point one way, so that a newcomer can read one room at a time.

    sim -> firmware -> {hal, services};  hal and services know neither each other nor anything above them;
    firmware/core knows only itself and the standard library.

The one arrow upward: the command line imports the simulation inside the functions that were asked to simulate.
"""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
HOUSES = ("firmware", "hal", "services", "sim")
MAY = {
    "firmware/core": {"firmware.core"},
    "firmware": {"firmware", "hal", "services"},
    "hal": {"hal"},
    "services": {"services"},
    "sim": {"sim", "firmware", "hal", "services"},
}
WHY = {
    "firmware/core": "the rules are pure: no I/O, no clock, no threads; hand them values instead",
    "firmware": "the daemon must not know that it is simulated: give `firmware.boot.World` another filling",
    "hal": "a driver knows wires and its device; what a reading means is the panel's business",
    "services": "a service carries lines and bytes; what is said there belongs to firmware/api",
    "sim": "the simulation may use everything but the tests",
}
FILES = sorted(path for house in HOUSES for path in (ROOT / house).rglob("*.py"))


def room(path: Path) -> str:
    relative = path.relative_to(ROOT).as_posix()
    return "firmware/core" if relative.startswith("firmware/core/") else relative.split("/")[0]


def imports(path: Path, *, lazily: bool) -> Iterator[tuple[str, int]]:
    """Modules that a file imports, and where; `lazily` tells whether those inside functions count."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    inside = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
    }
    for node in ast.walk(tree):
        if id(node) in inside and not lazily:
            continue
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: name the module in full"
            yield str(node.module), node.lineno


def allowed(module: str, here: str) -> bool:
    if module.split(".")[0] not in (*HOUSES, "tests"):
        return here != "firmware/core" or module.split(".")[0] in sys.stdlib_module_names
    return any(module == root or module.startswith(root + ".") for root in MAY[here])


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_file_keeps_to_the_directions_of_the_house(path: Path) -> None:
    here = room(path)
    upward_is_fine = path == ROOT / "firmware/commands/sim.py"
    wrong = [
        f"{path.relative_to(ROOT)}:{line} imports {module}: {WHY[here]}"
        for module, line in imports(path, lazily=not upward_is_fine)
        if not allowed(module, here)
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("path", [p for p in FILES if room(p) in ("hal", "firmware/core")], ids=lambda path: path.name)
def test_nothing_beneath_knows_that_it_may_be_simulated(path: Path) -> None:
    code = "\n".join(
        line for line in ast.unparse(_without_docstrings(ast.parse(path.read_text(encoding="utf-8")))).splitlines()
    )
    found = re.findall(r"\w*simulat\w*|\bsleep\b|\btime\.time\b|datetime\.now", code)
    assert not found, f"{path.relative_to(ROOT)}: {found[0]}: the same code runs over real and virtual wires"


def test_the_table_bites() -> None:
    assert not allowed("services.journal", "hal")
    assert not allowed("hal.clock", "services")
    assert not allowed("pydantic", "firmware/core")
    assert not allowed("sim.hall", "firmware")
    assert not allowed("tests.rig", "sim")
    assert allowed("dataclasses", "firmware/core")


def _without_docstrings(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [  # type: ignore[attr-defined]
                one for one in body if not (isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant))
            ] or [ast.Pass()]
    return tree

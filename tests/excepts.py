"""Was every `except` walked by a test? Read from the coverage data that the tests have left behind.

    pytest -m 'not whole_machine' --cov --cov-report= && python tests/excepts.py

A clause counts as walked when the first line of its body was. Where an error is let pass by `suppress` there is no such
line; those are few, and each says why.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import coverage

ROOT = Path(__file__).parents[1]
FOLDERS = ("firmware", "hal", "services", "sim")


def clauses(path: Path) -> Iterator[ast.ExceptHandler]:
    """Every `except` of a file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ExceptHandler):
            yield node


def main() -> int:
    """The exit code: 0 when each was walked; otherwise 1, and a line for each that was not."""
    kept = coverage.Coverage()
    kept.load()
    walked, total = kept.get_data(), 0
    missed: list[str] = []
    for path in sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")):
        lines = set(walked.lines(str(path)) or ())
        for clause in clauses(path):
            total += 1
            if clause.body[0].lineno not in lines:
                kind = ast.unparse(clause.type) if clause.type else "everything"
                missed.append(f"{path.relative_to(ROOT)}:{clause.lineno}: no test comes to `except {kind}`\n")
    sys.stdout.writelines(missed)
    sys.stdout.write(f"{total - len(missed)} of {total} except clauses are walked by tests\n")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())

"""`docs/rules.md` names every code and every fact that the rules know, and none that they do not."""

import ast
import re
from collections.abc import Iterator
from dataclasses import MISSING, fields
from pathlib import Path
from typing import get_args

import pytest

from firmware.core import inputs as i
from firmware.core.facts import Fact
from firmware.core.state import CardState, Mode

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "rules.md").read_text(encoding="utf-8")
SOURCES = [ast.parse(path.read_text(encoding="utf-8")) for path in sorted((ROOT / "firmware" / "core").glob("*.py"))]
STATES = set(get_args(CardState))

ARGUMENT = {"Refused": 0, "known": 1, "raise_task": 1, "suspect": 1, "expired": 2, "ended": 2, "end_abandoned": 2}
"""Function -> which of its arguments is a code."""
CHOOSERS = {"_refusal", "trouble_with", "seen_elsewhere"}
"""Functions that return a reason."""


def section(title: str) -> str:
    found = re.search(rf"^## {re.escape(title)}$(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert found, f"docs/rules.md has no section {title!r}"
    return found[1]


def rows(title: str) -> dict[str, str]:
    """Code -> what is said of it, from the tables of a section."""
    told = re.findall(r"^\| `([a-z_.]+)` \| (.*) \|$", section(title), re.MULTILINE)
    assert len(told) == len(dict(told)), f"a code is told twice under {title!r}"
    return dict(told)


def strings(node: ast.AST) -> Iterator[str]:
    """Every code that may come of an expression; nothing that is only compared with."""
    match node:
        case ast.Constant(value=str(text)) if text:
            yield text
        case ast.IfExp():
            yield from strings(node.body)
            yield from strings(node.orelse)
        case ast.BoolOp():
            for value in node.values:
                yield from strings(value)


def called(node: ast.Call) -> str:
    match node.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""


def codes(*functions: str) -> set[str]:
    """The codes that are handed to these functions."""
    found: set[str] = set()
    for node in (node for tree in SOURCES for node in ast.walk(tree) if isinstance(node, ast.Call)):
        place = ARGUMENT.get(called(node))
        if called(node) in functions and place is not None and len(node.args) > place:
            found |= set(strings(node.args[place]))
    return found


def reasons() -> set[str]:
    """The codes that the program itself gives as a `reason` of a fact."""
    found = codes("raise_task", "suspect", "expired", "ended", "end_abandoned")
    for node in (node for tree in SOURCES for node in ast.walk(tree)):
        match node:
            case ast.keyword(arg="reason", value=value):
                found |= set(strings(value))
            case ast.Assign(targets=[ast.Name(id="reason")], value=value):
                found |= set(strings(value))
            case ast.FunctionDef(name=name) if name in CHOOSERS:
                for inner in (inner for inner in ast.walk(node) if isinstance(inner, ast.Return) and inner.value):
                    assert inner.value is not None
                    found |= set(strings(inner.value))
            case ast.Assign(targets=[ast.Name(id="ALARMS")], value=ast.Dict(values=values)):
                found |= {text for value in values for text in strings(value)}
    return found | set(get_args(Mode)) - {"open"} | STATES - {"issued"}  # `return hall.mode`, `return held.state`


def test_every_refusal_of_a_request_is_on_the_page() -> None:
    dynamic = {f"card_{state}" for state in STATES - {"stock"}}
    assert rows("What a request is refused with").keys() == codes("Refused", "known") | dynamic


def test_every_reason_that_the_program_gives_is_on_the_page() -> None:
    assert rows("Reasons that the program gives").keys() == reasons()


def test_every_fact_is_on_the_page_with_its_fields() -> None:
    told = rows("Facts")
    assert told.keys() == Fact.TYPES.keys()
    for name, kind in Fact.TYPES.items():
        optional = {field.name for field in fields(kind) if field.default is None}
        wire = [
            ("class" if field.name == "letter" else field.name) + "?" * (field.name in optional)
            for field in fields(kind)
        ]
        assert told[name].split(" | ")[0].replace("`", "").split(", ") == (wire if wire else ["none"]), name


@pytest.mark.parametrize("kind", [*i.Request.__subclasses__()])
def test_every_request_has_a_rule_and_an_actor(kind: type[i.Request]) -> None:
    decide = (ROOT / "firmware" / "core" / "decide.py").read_text(encoding="utf-8")
    assert f"case inputs.{kind.__name__}():" in decide
    assert {field.name for field in fields(kind) if field.default is MISSING} >= {"actor"}

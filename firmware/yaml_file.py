"""YAML as people expect it to be: a key given twice is an error, and only what looks like a number is one.

YAML 1.1, which PyYAML speaks, reads `no` as false, `13:00` as 780, `010` as 8 and `1_000` as 1000. Here, as in the core
schema of YAML 1.2, the plain words are `true`, `false` and `null`, numbers are decimal, and all else is text. Every
value's line is kept, so that an error can name it.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

Place = tuple[str | int, ...]
"""Where a value stands: keys of sections and positions in lists, from the outside in."""


def place_text(place: Place) -> str:
    """A place as the technician reads it: `lockers.banks.A.rs485.boards[1].address`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place).removeprefix(".")


class YamlError(Exception):
    """The file cannot be read as YAML; the text names line and column."""


class _Loader(yaml.SafeLoader):
    """SafeLoader without YAML 1.1's surprises, and with the number of each value's line."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - PyYAML's own attribute

    def construct_document(self, node: yaml.Node) -> Any:
        _refuse_repeated_keys(node)
        return super().construct_document(node), dict(_lines(node, ()))


for _tag, _form, _first in (
    ("bool", r"true|false", "tf"),
    ("null", r"null|~|", ["n", "~", ""]),
    ("int", r"-?(0|[1-9][0-9]*)", "-0123456789"),
    ("float", r"-?(0|[1-9][0-9]*)\.[0-9]+", "-0123456789"),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_form})$"), list(_first))


def read(path: Path) -> tuple[Any, dict[Place, int]]:
    """The file's one document, and the line (from 1) of each of its values. Raises YamlError, or OSError."""
    try:
        document = yaml.load(path.read_text(encoding="utf-8"), _Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise YamlError(place + " ".join(filter(None, (error.context, error.problem)))) from error
    except yaml.reader.ReaderError as error:
        raise YamlError(f"character {error.position + 1}: {error.reason}") from error
    except UnicodeDecodeError as error:
        raise YamlError(f"byte {error.start + 1}: not UTF-8") from error
    except RecursionError as error:
        raise YamlError("sections are nested too deeply") from error
    return (None, {}) if document is None else document


def _refuse_repeated_keys(node: yaml.Node) -> None:
    """Also refuses aliases, which hide repetition, and keys that are not one word; keys are always text."""
    seen_nodes: set[int] = set()
    waiting = [node]
    while waiting:
        current = waiting.pop()
        if id(current) in seen_nodes:
            raise yaml.MarkedYAMLError(problem="aliases are not allowed", problem_mark=current.start_mark)
        seen_nodes.add(id(current))
        if isinstance(current, yaml.SequenceNode):
            waiting += current.value
        elif isinstance(current, yaml.MappingNode):
            first_lines: dict[str, int] = {}
            for key, value in current.value:
                if not isinstance(key, yaml.ScalarNode):
                    raise yaml.MarkedYAMLError(problem="a key must be a word", problem_mark=key.start_mark)
                if key.value in first_lines:
                    problem = f'the key "{key.value}" is given twice, first in line {first_lines[key.value]}'
                    raise yaml.MarkedYAMLError(problem=problem, problem_mark=key.start_mark)
                first_lines[key.value] = key.start_mark.line + 1
                key.tag = "tag:yaml.org,2002:str"  # a name stays a name, also where it looks like a number
                waiting.append(value)


def _lines(node: yaml.Node, place: Place) -> Iterator[tuple[Place, int]]:
    yield place, node.start_mark.line + 1
    if isinstance(node, yaml.SequenceNode):
        for position, item in enumerate(node.value):
            yield from _lines(item, (*place, position))
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield from _lines(value, (*place, key.value))
            yield (*place, key.value), key.start_mark.line + 1  # the key's line, where the value begins below it

"""Validation errors in a technician's words, and the table of all keys: both read what is allowed from the models.

A key's type says what it allows: a `Kind` from `firmware.quantities`, a choice, true or false, a list, a section.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from enum import Enum
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from firmware.quantities import Duration, Kind, Size, duration_text, size_text
from firmware.yaml_file import Place

SHOWN_MOST = 60


@dataclass(frozen=True, slots=True)
class Key:
    """One row of the table. In `path`, `NAME` stands for a name that the site chooses, `[]` for each item of a list."""

    path: str
    allowed: str
    default: str
    """Empty where the key must be given."""
    meaning: str


def mistake(model: type[BaseModel], error: ErrorDetails) -> tuple[Place, str]:
    """What pydantic found, in our words: the place, and the value and what is allowed."""
    of_name = _of_name(error)
    place = error["loc"][:-1] if of_name else error["loc"]
    match error["type"]:
        case "extra_forbidden":
            *above, key = place
            known = _section_at(model, tuple(above)).model_fields
            near = get_close_matches(str(key), known, n=1)
            hint = f'did you mean "{near[0]}"?' if near else f"one of {', '.join(known)}"
            return place, f"unknown key; {hint}"
        case "missing":
            return place, f"is missing; {allowed(_type_at(model, place))}"
        case _ if of_name:
            names, _ = get_args(_bare(_type_at(model, place[:-1]))[0])
            return place, f"this name is not allowed; {allowed(names)}"
        case "string_type" if isinstance(error["input"], int | float):
            hint = f'{allowed(_type_at(model, place))}, in quotation marks: "{error["input"]}"'
            return place, f"{_shown(error['input'])} is a number and not allowed; {hint}"
        case _:
            return place, f"{_shown(error['input'])} is not allowed; {allowed(_type_at(model, place))}"


def _of_name(error: ErrorDetails) -> bool:
    """Whether the mistake is a name that the site chose. pydantic then ends the place in `[key]`, which a file may also
    contain as a name; the input tells them apart."""
    *_, name, last = ("", "", *error["loc"])
    return last == "[key]" and error["input"] == name and error["type"] != "extra_forbidden"


def allowed(kind: Any) -> str:
    """What a type allows, in one line."""
    bare, marks = _bare(kind)
    for mark in marks:
        if isinstance(mark, Kind):
            return mark.allowed
    if get_origin(bare) is Literal:
        return _choice(get_args(bare))
    if isinstance(bare, type) and issubclass(bare, Enum):
        return _choice(one.value for one in bare)
    if bare is bool:
        return _choice(("true", "false"))
    if get_origin(bare) is tuple:
        return f"a list, each: {allowed(get_args(bare)[0])}"
    if get_origin(bare) is dict:
        return f"a section of names, each: {allowed(get_args(bare)[1])}"
    if isinstance(bare, type) and issubclass(bare, BaseModel):
        return "a section with " + ", ".join(bare.model_fields)
    raise TypeError(f"nothing says what {bare} allows")


def _choice(values: Iterable[object]) -> str:
    """`a or b`, `one of a, b, c`."""
    words = [str(value) for value in values]
    return " or ".join(words) if len(words) == 2 else "one of " + ", ".join(words)


def keys(model: type[BaseModel], above: str = "") -> Iterator[Key]:
    """Every key that holds a value, in the order of the models."""
    for name, field in model.model_fields.items():
        path = f"{above}{name}"
        bare, _ = _bare(_annotation(field))
        if get_origin(bare) is dict:
            names = "a section of names: " + allowed(get_args(bare)[0])
            yield Key(path, names, _default(field), field.description or "")
            path, bare = f"{path}.NAME", _bare(get_args(bare)[1])[0]
        elif get_origin(bare) is tuple and _is_section(get_args(bare)[0]):
            yield Key(path, "a list", _default(field), field.description or "")
            path, bare = f"{path}[]", _bare(get_args(bare)[0])[0]
        if _is_section(bare):
            yield from keys(bare, f"{path}.")
        else:
            yield Key(path, allowed(_annotation(field)), _default(field), field.description or "")


def _type_at(model: type[BaseModel], place: Place) -> Any:
    """The annotation of what stands at `place`."""
    kind: Any = model
    for part in place:
        bare, _ = _bare(kind)
        if isinstance(bare, type) and issubclass(bare, BaseModel):
            kind = _annotation(bare.model_fields[str(part)])
        else:
            kind = get_args(bare)[0 if get_origin(bare) is tuple else 1]
    return kind


def _section_at(model: type[BaseModel], place: Place) -> type[BaseModel]:
    section: type[BaseModel] = _bare(_type_at(model, place))[0]
    return section


def _annotation(field: FieldInfo) -> Any:
    """pydantic keeps a field's type and its marks apart; here they are together again."""
    return Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation


def _bare(kind: Any) -> tuple[Any, tuple[Any, ...]]:
    """A type without `Annotated` and without `| None`, and the marks that were on it."""
    if get_origin(kind) is Annotated:
        inner, *marks = get_args(kind)
        bare, deeper = _bare(inner)
        return bare, (*marks, *deeper)
    if get_origin(kind) in (Union, UnionType):
        (one,) = (choice for choice in get_args(kind) if choice is not NoneType)
        return _bare(one)
    return kind, ()


def _is_section(kind: Any) -> bool:
    bare, _ = _bare(kind)
    return isinstance(bare, type) and issubclass(bare, BaseModel)


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return ""
    _, marks = _bare(_annotation(field))
    value = field.default
    if any(isinstance(mark, Duration) for mark in marks):
        return duration_text(value)
    if any(isinstance(mark, Size) for mark in marks):
        return size_text(value)
    if value in (None, ()):
        return "none"
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return value if isinstance(value, str) else _shown(value)


def _shown(value: object) -> str:
    """A value as it stands in the file, cut where it is long."""
    if value is None:
        return "empty"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= SHOWN_MOST else text[:SHOWN_MOST] + "..."

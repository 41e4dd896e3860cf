"""What an argument may be: kinds of values that can each say in plain words what they allow, and forms made of them.

Numbers may come as text, for a command line knows nothing else, and text as whole numbers, for a counter's name may
look like one; nothing else is taken for what it is not. What does not fit is told in words, never as a pattern.
"""

import datetime
import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError

MISTAKES_MOST = 5
"""Mistakes in a form that are told one by one."""

YES = frozenset({"true", "yes", "on", "1"})
NO = frozenset({"false", "no", "off", "0"})


def _whole(low: int, high: int) -> BeforeValidator:
    def read(value: object) -> int:
        if isinstance(value, str) and re.fullmatch(r"[0-9]{1,9}", value):
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise PydanticCustomError("whole", f"a whole number from {low} to {high}")
        return value

    return BeforeValidator(read)


def _words(pattern: str, allowed: str) -> AfterValidator:
    def check(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise PydanticCustomError("words", allowed)
        return value

    return AfterValidator(check)


def _text(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise PydanticCustomError("text", "a text")
    return str(value)


def _flag(value: object) -> bool:
    if isinstance(value, bool):
        return value
    word = value.lower() if isinstance(value, str) else ""
    if word in YES or word in NO:
        return word in YES
    raise PydanticCustomError("flag", "true or false")


def _day(value: str) -> str:
    try:
        return datetime.datetime.strptime(value, "%Y-%m-%d").date().isoformat()
    except ValueError:
        raise PydanticCustomError("day", "a date such as 2026-11-21") from None


def _ticked(value: object) -> object:
    if not isinstance(value, Mapping):
        raise PydanticCustomError("ticked", 'visits and how many of each are here, such as {"V-000001":2}')
    return value


STAFF_ID = "1 to 32 of a-z, 0-9 and -, such as officer-1"
STAFF = r"[a-z0-9-]{1,32}"

Text = Annotated[str, BeforeValidator(_text)]
Reason = Annotated[Text, _words(r"[a-z_]{2,40}", "2 to 40 of a-z and _, such as came_early")]
Staff = Annotated[Text, _words(STAFF, STAFF_ID)]
Name = Annotated[Text, _words(r"[^\x00-\x1f\x7f-\x9f\ud800-\udfff]{1,64}", "1 to 64 printable characters")]
Number = Annotated[Text, _words(r"[A-Za-z0-9-]{1,12}", "1 to 12 letters, digits and -, as printed on the card")]
Uid = Annotated[Text, _words(r"([0-9A-Fa-f]{8}|[0-9A-Fa-f]{14}|[0-9A-Fa-f]{20})", "8, 14 or 20 hex digits")]
Day = Annotated[Text, AfterValidator(_day)]
Persons = Annotated[int, _whole(0, 50)]
Locker = Annotated[int, _whole(1, 999)]
Places = Annotated[int, _whole(0, 10_000)]
Flag = Annotated[bool, BeforeValidator(_flag)]
Ticked = Annotated[Mapping[Name, Persons], BeforeValidator(_ticked), Field(max_length=1_000)]


class Form(BaseModel):
    """Something that can be asked for, by name, with its arguments. Its first line of documentation is its help."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)
    name: ClassVar[str]
    either: ClassVar[tuple[str, ...]] = ()
    """Arguments of which one is needed."""


def mistakes(form: type[Form], error: ValidationError) -> str:
    """One line for each argument that does not fit."""
    allowed = [field.alias or name for name, field in form.model_fields.items()]
    errors = error.errors(include_url=False)
    lines = []
    for one in errors[:MISTAKES_MOST]:
        where = ".".join(_place(part) for part in one["loc"])
        if one["type"] == "missing":
            lines.append(f"{where}= is missing")
        elif one["type"] == "extra_forbidden":
            lines.append(f"{where}= is not known; {form.name} takes {', '.join(allowed) or 'nothing'}")
        elif one["type"] == "literal_error":
            expected = one["ctx"]["expected"].replace("'", "")
            lines.append(f"{where}: {as_shown(one['input'])} is not allowed: {expected}")
        else:
            lines.append(f"{where}: {as_shown(one['input'])} is not allowed: {one['msg'][0].lower()}{one['msg'][1:]}")
    if len(errors) > MISTAKES_MOST:
        lines.append(f"and {len(errors) - MISTAKES_MOST} more")
    return "; ".join(lines)


def _place(part: str | int) -> str:
    return part if isinstance(part, str) and re.fullmatch(r"[A-Za-z0-9_-]{1,40}", part) else as_shown(part)


def as_shown(value: Any) -> str:
    """What somebody sent, in a few printable characters; of a list or object only that it is one."""
    match value:
        case Mapping():
            return "an object"
        case list() | tuple():
            return "a list"
    text = ascii(value)
    return text if len(text) <= 60 else f"{text[:57]}..."

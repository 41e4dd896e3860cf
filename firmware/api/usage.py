"""How the actions are asked for, as help for people: one line of arguments and one of meaning, from the forms alone.

    bind  adults=N [children=N] [carried=N] (ticket=TICKET | booking=BOOKING)

Square brackets may be left out, of round ones one is needed; words in capitals stand for a value.
"""

from collections.abc import Iterable, Mapping
from types import NoneType
from typing import Annotated, Any, Literal, get_args, get_origin

from firmware.api.actions import ACTIONS, SHOW
from firmware.api.arguments import Form
from firmware.api.views import Show

HEAD = "Actions and their KEY=VALUE words. [..] may be left out, of (..) one is needed; capitals stand for a value."

FORMS: Mapping[str, type[Form]] = {name: Show if name == SHOW else ACTIONS[name] for name in sorted([*ACTIONS, SHOW])}
"""Everything that can be asked for."""


def arguments(form: type[Form]) -> str:
    """The arguments of one action, on one line."""
    words = {field.alias or name: field for name, field in form.model_fields.items()}
    shown = {key: f"{key}={_value(key, field.annotation)}" for key, field in words.items()}
    needed = [shown[key] for key, field in words.items() if field.is_required()]
    free = [f"[{shown[key]}]" for key, field in words.items() if not field.is_required() and key not in form.either]
    one_of = [f"({' | '.join(shown[key] for key in form.either)})"] if form.either else []
    return " ".join([*needed, *free, *one_of])


def usage(names: Iterable[str] = FORMS) -> str:
    """The help for some actions, or for all."""
    lines = [HEAD, ""]
    for name in names:
        lines += [f"  {name}  {arguments(FORMS[name])}".rstrip(), f"      {FORMS[name].__doc__}"]
    return "\n".join(lines)


def _value(key: str, kind: Any) -> str:
    """What stands for a value."""
    if get_origin(kind) is Annotated:
        return _value(key, get_args(kind)[0])
    if get_origin(kind) is Literal:
        return "|".join(get_args(kind))
    if NoneType in get_args(kind):
        return _value(key, get_args(kind)[0])
    if get_origin(kind) is Mapping:
        return '{"VISIT":N,..}'
    if kind is bool:
        return "true|false"
    return "N" if kind is int else key.upper()

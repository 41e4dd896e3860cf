"""Values and answers as a person reads them in a terminal: one thing a line, `key=value` words, nothing quoted."""

from collections.abc import Iterator, Mapping
from typing import Any


def plain(value: Any) -> str:
    """A JSON value in a few characters."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return "{" + ",".join(f"{key}:{plain(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(plain(one) for one in value) + "]"
    return str(value)


def row(thing: Mapping[str, Any]) -> str:
    """A thing on one line, without what is empty; what to `do` is a sentence, and comes last."""
    words = [f"{key}={plain(value)}" for key, value in thing.items() if key != "do" and value not in ("", None, [], {})]
    return " ".join([*words, f"do: {thing['do']}"] if "do" in thing else words)


def lines(result: Mapping[str, Any]) -> Iterator[str]:
    """The answer to a request: each thing of a list on its own line, and each word of an object."""
    for key, value in result.items():
        if value and isinstance(value, list) and all(isinstance(one, dict) for one in value):
            yield from (row(one) for one in value)
        elif isinstance(value, dict):
            yield from (f"{name}: {_whole(one)}" for name, one in value.items())
        else:
            yield f"{key}: {_whole(value)}"


def _whole(value: Any) -> str:
    if value in ("", None, [], {}):
        return "none"
    return row(value) if isinstance(value, dict) else plain(value)

"""Events as people read them: one line each, and a journal as a story."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from firmware.api.plain import plain

UNTOLD = ("version", "epoch_ms", "off_ms", "stages")
"""What a story leaves out: figures of the machine, and times that follow from the rest."""


def sentence(event: Mapping[str, Any]) -> str:
    """One event on one line, as a person reads it."""
    told = " ".join(f"{key}={plain(value)}" for key, value in event["data"].items())
    mark = "" if event["clock"] == "synced" else "?"
    return f"{event['seq']:>7} {event['time']}{mark} {event['type'].removeprefix('besuk.'):<24} {told}"


def fact_line(kind: str, data: Mapping[str, Any], numbers: Mapping[str, str]) -> str:
    """A fact as a story tells it: `locker.opened bank=A locker=1 card=001`, each card by its printed number."""
    words = [kind]
    for key, value in data.items():
        if key == "card":
            words.append(f"card={numbers.get(value, value)}")
        elif key not in UNTOLD and not (key == "number" and "card" in data):
            words.append(f"{key}={plain(value)}")
    return " ".join(words)


def story(events: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """A journal as a story: each moment at the margin, and below it what became true then."""
    numbers: dict[str, str] = {}
    moment: tuple[int, str] | None = None
    for event in events:
        kind, data = event["type"].removeprefix("besuk."), event["data"]
        if kind == "card.enrolled":
            numbers[data["card"]] = data["number"]
        if moment != (event["boot"], event["bootms"]):
            moment = event["boot"], event["bootms"]
            yield f"{event['time']}{'' if event['clock'] == 'synced' else '?'}"
        yield "    " + fact_line(kind, data, numbers)

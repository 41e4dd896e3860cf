"""A story as a file: its steps at the margin, what followed each of them indented below, comments behind `#`.

    visitor taps 001 at lockers
    wait 1 s
        locker.assigned bank=A locker=1 card=001 visit=V-000001
        locker.pulsed bank=A locker=1 card=001 visit=V-000001 purpose=deposit attempt=1 door=closed
        door 1: open

Telling a story again gives the same file, or the difference says what has changed. The steps are written by people; the
rest is never written by hand.
"""

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from firmware import explain
from firmware.config import Config
from firmware.yaml_file import place_text, read
from sim.golden.deeds import perform
from sim.golden.stage import Stage
from sim.golden.steps import Given, Step, StoryError, step_of

INDENT = "    "


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a story that its author wrote: a step, or (None) a comment or nothing."""

    number: int
    text: str
    step: Step | None


def steps_in(text: str, name: str) -> list[Line]:
    """The lines of a story, without what followed. Raises StoryError with `name` and the line's number."""
    found = []
    for number, line in enumerate(text.splitlines(), start=1):
        if line.startswith(" "):
            continue
        if not line or line.startswith("#"):
            found.append(Line(number, line, None))
            continue
        try:
            found.append(Line(number, line, step_of(line)))
        except StoryError as error:
            raise StoryError(f"{name}:{number}: {error}") from error
    return found


def told_again(text: str, name: str, config: Path, *, skip: bool = True) -> str:
    """The story, performed in the hall of that configuration; its steps as they are, and what followed them now.

    Without `skip` no scan is left out. Raises StoryError with `name` and the line's number; AssertionError for what
    must hold of every story.
    """
    lines = steps_in(text, name)
    stage: Stage | None = None
    given: list[Given] = []
    out: list[str] = []
    for line in lines:
        out.append(line.text)
        if line.step is None:
            continue
        try:
            if isinstance(line.step, Given):
                if stage is not None:
                    raise StoryError("settings come before the first step")
                given.append(line.step)
                site_with(config, given)
                continue
            stage = stage or Stage(site_with(config, given), skip=skip)
            out += [INDENT + followed for followed in perform(stage, line.step)]
        except StoryError as error:
            raise StoryError(f"{name}:{line.number}: {error}") from error
        except AssertionError as error:
            raise AssertionError(f"{name}:{line.number}: {line.text}: {error}") from error
    if stage is not None:
        stage.prove()
    return "\n".join(out) + "\n"


def printed(steps: Iterable[Step], title: str) -> str:
    """A story that a program tells: its title and its steps, to be told again."""
    return "\n".join([f"# {title}", "", *map(str, steps)]) + "\n"


def changes(before: str, after: str, name: str) -> str:
    """What differs, as a unified diff; empty where nothing does."""
    lines = difflib.unified_diff(
        before.splitlines(keepends=True), after.splitlines(keepends=True), f"{name} (as it is)", f"{name} (as told now)"
    )
    return "".join(lines)


def site_with(config: Path, given: Iterable[Given]) -> Config:
    """The configuration with other settings. Raises StoryError."""
    tree, _ = read(config)
    for one in given:
        *sections, last = one.key.split(".")
        section: Any = tree
        for name in sections:
            section = section.setdefault(name, {})
        try:
            section[last] = yaml.safe_load(one.value)
        except yaml.YAMLError as error:
            raise StoryError(f"{one.key}: {one.value!r} is no value") from error
    try:
        return Config.model_validate(tree)
    except ValidationError as error:
        raise StoryError("; ".join(_mistakes(error))) from error


def _mistakes(error: ValidationError) -> Iterator[str]:
    for one in error.errors(include_url=False):
        place, text = explain.mistake(Config, one)
        yield f"{place_text(place)}: {text}"

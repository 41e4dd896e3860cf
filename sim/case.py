"""A day that is kept in a file, to be lived again: what the file may say, and what is wrong with any other.

A case is written by a soak, and shortened by hand; so it is read as strictly as a configuration.
"""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, ValidationError
from pydantic_core import CoreSchema, core_schema

from firmware import explain
from firmware.config import Config
from firmware.quantities import Between, Words
from firmware.yaml_file import place_text
from sim.durations import DAY_MS
from sim.setting import Setting, site_of
from sim.strokes import KINDS, Stroke, Weather, targets

VISITORS_MOST = 5_000
SEED_MOST = 1 << 62


class StrokeLine:
    """A stroke of trouble as its line."""

    allowed = '"723250 reader garbled at entry for 45000 x5": milliseconds, kind, place, how long, how much'

    @staticmethod
    def read(line: object) -> str:
        """The line as it is written. Raises ValueError."""
        if not isinstance(line, str):
            raise ValueError(line)
        return str(Stroke.of(line))

    def __get_pydantic_core_schema__(self, _source: object, _handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self.read)


class Case(BaseModel):
    """What the file may say: the fields of a Setting, each within what the command line allows."""

    model_config = ConfigDict(extra="forbid")

    seed: Annotated[int, Between(-SEED_MOST, SEED_MOST)]
    visitors: Annotated[int, Between(0, VISITORS_MOST)] = 220
    day_ms: Annotated[int, Between(1, DAY_MS, "milliseconds")] = DAY_MS
    weather: Weather = "none"
    scenario: Annotated[str, Words("[a-z0-9_,]*", "names of variants, joined by commas")] = ""
    skip: bool = True
    only: tuple[Annotated[int, Between(1, VISITORS_MOST)], ...] | None = None
    strokes: tuple[Annotated[str, StrokeLine()], ...] | None = None
    counters: Annotated[int, Between(1, 20)] | None = None
    lanes: Annotated[int, Between(1, 3)] | None = None
    habits: Annotated[str, Words("[^\\n]*", "polite, real, or a file of habits")] = ""


def load_case(path: Path, config: Config) -> Setting:
    """A day that was kept, to be lived in that hall. Raises OSError; ValueError, which says in a line what is wrong."""
    told = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(told, dict):
        raise ValueError(f"an object with {', '.join(Case.model_fields)} is expected")
    try:
        setting = Setting(**Case.model_validate(told).model_dump())
    except ValidationError as error:
        mistakes = (explain.mistake(Case, one) for one in error.errors(include_url=False))
        raise ValueError("; ".join(f"{place_text(place)}: {text}" for place, text in mistakes)) from error
    try:
        site = site_of(config, setting)
    except LookupError as error:
        raise ValueError(f"scenario: {error.args[0]}") from error
    for number, line in enumerate(setting.strokes or ()):
        stroke = Stroke.of(line)
        if stroke.on not in (there := targets(site, KINDS[stroke.what].befalls)):
            raise ValueError(f"strokes[{number}]: {line!r} is not allowed; {_told(stroke, there)}")
    return setting


def _told(stroke: Stroke, there: list[str]) -> str:
    """Where such a stroke can be."""
    if there == [""]:
        return "it befalls the machine, without a place"
    return f"{stroke.what} at one of {', '.join(there)}" if there else f"this hall has no place for {stroke.what}"


def save_case(path: Path, setting: Setting) -> None:
    """Keep a day. Raises OSError."""
    path.write_text(json.dumps(asdict(setting), indent=1) + "\n", encoding="utf-8")

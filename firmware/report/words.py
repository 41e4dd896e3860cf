"""How the report speaks: its texts filled in, and numbers, times and durations as each language writes them."""

import datetime
from typing import Any

from firmware.report.texts import ACTIONS, LANGUAGES, REASONS, TEXT
from firmware.texts import catalogue
from hal.clock import Millis

DAYS = {
    "id": ("Senin", "Selasa", "Rabu", "Kamis", "Jumat", "Sabtu", "Minggu"),
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
}
MONTHS = {
    "id": (
        "Januari", "Februari", "Maret", "April", "Mei", "Juni",
        "Juli", "Agustus", "September", "Oktober", "November", "Desember",
    ),
    "en": (
        "January", "February", "March", "April", "May", "June",
        "July", "August", "September", "October", "November", "December",
    ),
}  # fmt: skip
GIVEN = ("exception", "why", "jump", "lost", "search_refused")
"""Contexts of the catalogue that hold the reasons which the pages offer."""


class Words:
    """A language, and a day's clock in the site's time."""

    def __init__(self, language: str, midnight_ms: Millis) -> None:
        """Raises ValueError for a language that the report does not speak."""
        self._at = LANGUAGES.index(language)
        self.language = language
        self._midnight_ms = midnight_ms

    def say(self, key: str, **told: Any) -> str:
        """A text, filled in; `n` chooses between one and many."""
        one, _, many = TEXT[key][self._at].partition("|")
        return (many if many and told.get("n") != 1 else one).format(**told)

    def reason(self, code: str) -> str:
        """A reason in words: the pages' own where a button there gave it; one that a person typed stands as typed."""
        if code in REASONS:
            return REASONS[code][self._at]
        known = catalogue(self.language)
        return next((known[f"{kind}|{code}"] for kind in GIVEN if f"{kind}|{code}" in known), code.replace("_", " "))

    def action(self, code: str) -> str:
        """What an override did."""
        return ACTIONS[code][self._at] if code in ACTIONS else code.replace("_", " ")

    def clock(self, utc_ms: float, exact: bool = True) -> str:
        """`08:31`, in Indonesia `08.31`; an estimate begins with `~`."""
        minutes = int((utc_ms - self._midnight_ms) // 60_000)
        hours, minute = divmod(minutes, 60)
        return f"{'' if exact else '~'}{hours % 24:02d}{'.' if self.language == 'id' else ':'}{minute:02d}"

    def date(self, day: str) -> str:
        date = datetime.date.fromisoformat(day)
        name, month = DAYS[self.language][date.weekday()], MONTHS[self.language][date.month - 1]
        return f"{name}{',' if self.language == 'id' else ''} {date.day} {month} {date.year}"

    def span(self, ms: float) -> str:
        """A duration in a sentence: `25 seconds`, `2 minutes`, `1 min 29 s`, `1 h 5 min`."""
        indonesian = self.language == "id"
        seconds = round(ms / 1000)
        minutes, second = divmod(seconds, 60)
        hours, minute = divmod(round(seconds / 60), 60)
        if seconds >= 3600 and minute:
            return f"{hours} jam {minute} menit" if indonesian else f"{hours} h {minute} min"
        if 60 < seconds < 3600 and second:
            return f"{minutes} menit {second} detik" if indonesian else f"{minutes} min {second} s"
        units = (("jam", "hour", hours), ("menit", "minute", minutes), ("detik", "second", second))
        name, english, count = units[0 if seconds >= 3600 else 1 if minutes else 2]
        return f"{count} {name}" if indonesian else f"{count} {english}{'' if count == 1 else 's'}"

    def short(self, ms: float) -> str:
        """A duration on an axis: `30 s`, `2 min`, `1 h`, `1:30 h`."""
        h, m, s = ("jam", "mnt", "dtk") if self.language == "id" else ("h", "min", "s")
        seconds = round(ms / 1000)
        if seconds < 60:
            return f"{seconds} {s}"
        if seconds < 3600:
            return f"{seconds // 60}:{seconds % 60:02d} {m}" if seconds % 60 else f"{seconds // 60} {m}"
        return f"{seconds // 3600}:{seconds % 3600 // 60:02d} {h}" if seconds % 3600 else f"{seconds // 3600} {h}"

    def share(self, part: int, whole: int) -> str:
        """A percentage that says 100 and 0 only of all and none."""
        percent = 100 * part / whole if whole else 0.0
        rounded = round(percent)
        if part and part != whole:
            rounded = min(max(rounded, 1), 99)
        return f"{rounded}%" if self.language == "id" else f"{rounded} %"

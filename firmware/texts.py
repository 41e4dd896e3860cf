"""What people read, in their language: one gettext catalogue for the pages. The English text is its own key.

A text with a context stands for a code that the program gives (`refusal|no_card`, `task|tailgated`); where a language
lacks it, the page shows what came with the code, or the code itself.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from babel.messages.pofile import read_po

from firmware.core import signage

LOCALE = Path(__file__).parent / "locale"
LANGUAGES = ("id", "en")


@cache
def catalogue(language: str) -> Mapping[str, str]:
    """English text, or `context|code`, to the text in that language."""
    path = LOCALE / f"{language}.po"
    with path.open("rb") as file:
        entries = read_po(file, locale=language, abort_invalid=True)
    return {
        f"{entry.context}|{entry.id}" if entry.context else str(entry.id): str(entry.string)
        for entry in entries
        if entry.id and entry.string
    }


def text(language: str, english: str) -> str:
    """One text; in English where the catalogue lacks it."""
    return catalogue(language).get(english, english)


@cache
def sign_texts(language: str) -> Mapping[str, str]:
    """What a sign says in that language: code of a message -> its text, with the gaps that the rules fill."""
    return {code: text(language, english) for code, english in signage.TEXTS.items()}

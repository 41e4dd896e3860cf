"""What people read: every text of a page is in the catalogue, nothing there is unused, and nothing is lost in it."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import get_args

import pytest
from babel.messages.catalog import Message
from babel.messages.pofile import read_po

from firmware.api.next_steps import NEXT_STEPS
from firmware.api.pages import MARK, PAGES, in_language
from firmware.core import state
from firmware.staff import Role
from firmware.texts import LANGUAGES, LOCALE, catalogue
from hal.seen import Health

ROOT = Path(__file__).parents[2]
FILES = [file for folder in (PAGES, ROOT / "sim" / "pages") for file in sorted(folder.iterdir())]
HTML = [file for file in FILES if file.suffix == ".html"]
SCRIPTS = [file for file in FILES if file.suffix == ".js"]
PROGRAM = [file for house in ("firmware", "hal", "services", "sim") for file in sorted((ROOT / house).rglob("*.py"))]
LITERAL = re.compile(r'"((?:[^"\\\n]|\\.)*)"|\'((?:[^\'\\\n]|\\.)*)\'|`((?:[^`\\$]|\\.)*)`')
GAP = re.compile(r"\{(\w*)\}")


def literals(source: str) -> Iterator[str]:
    """The string literals of a piece of script."""
    for found in LITERAL.finditer(source):
        yield next(part for part in found.groups() if part is not None).replace('\\"', '"').replace("\\'", "'")


def first_arguments(script: str, function: str) -> Iterator[str]:
    """What stands first between the brackets of each call: `late ? "Late" : "In time"` of `t(late ? .., { n })`."""
    for call in re.finditer(rf"(?<![\w.]){function}\(", script):
        depth, at = 0, call.end()
        while depth >= 0:
            literal = LITERAL.match(script, at)
            if literal:
                at = literal.end()
                continue
            if depth == 0 and script[at] in ",)":
                break
            depth += (script[at] in "([{") - (script[at] in ")]}")
            at += 1
        yield script[call.end() : at]


def texts(file: Path) -> set[str]:
    """The English texts that a page or script asks the catalogue for by name."""
    source = file.read_text(encoding="utf-8")
    if file.suffix == ".html":
        return {" ".join(mark[1].split()) for mark in MARK.finditer(source)} - {"lang"}
    return {text for argument in first_arguments(source, "t") for text in literals(argument)}


def entries(language: str) -> list[Message]:
    with (LOCALE / f"{language}.po").open("rb") as file:
        return [entry for entry in read_po(file, locale=language, abort_invalid=True) if entry.id]


def gaps(text: str) -> Counter[str]:
    return Counter(GAP.findall(text))


# -- every text is there


@pytest.mark.parametrize("file", [*HTML, *SCRIPTS], ids=lambda file: file.name)
def test_every_text_of_a_page_is_there_in_indonesian(file: Path) -> None:
    known = catalogue("id")
    assert not [text for text in sorted(texts(file)) if text not in known]


@pytest.mark.parametrize("file", SCRIPTS, ids=lambda file: file.name)
def test_every_sentence_in_a_script_is_there_even_where_it_is_asked_for_by_a_variable(file: Path) -> None:
    """A sentence begins with a capital and has words: `"Did not come"` is one, `"text/event-stream"` none."""
    lines = (line.partition(" //")[0] for line in file.read_text(encoding="utf-8").splitlines())
    code = "\n".join(line for line in lines if not line.lstrip().startswith("//"))
    sentences = {text for text in literals(code) if re.fullmatch(r"[A-Z][a-z]+( [\w{}',.:;()?!-]+)+", text)}
    assert not [text for text in sorted(sentences) if text not in catalogue("id")]


@pytest.mark.parametrize(
    ("context", "codes"),
    [
        ("task", NEXT_STEPS),
        ("do", NEXT_STEPS),
        ("mode", get_args(state.Mode)),
        ("ticket", get_args(state.TicketState)),
        ("cardstate", get_args(state.CardState)),
        ("search", get_args(state.SearchState)),
        ("device", list(Health)),
        ("role", list(Role)),
    ],
)
def test_every_code_that_the_program_gives_is_there_in_indonesian(context: str, codes: Iterable[str]) -> None:
    known = catalogue("id")
    assert not [code for code in codes if f"{context}|{code}" not in known]


@pytest.mark.parametrize("file", SCRIPTS, ids=lambda file: file.name)
def test_a_script_asks_for_no_kind_of_code_that_there_is_not(file: Path) -> None:
    contexts = {entry.context for entry in entries("id")}
    asked = {text for part in first_arguments(file.read_text(encoding="utf-8"), "code") for text in literals(part)}
    assert asked <= contexts


# -- nothing in it is unused


def quoted(text: str, sources: str) -> bool:
    escaped = text.replace('"', '\\"')
    return any(mark in sources for mark in (f'"{escaped}"', f"'{text}'", f"`{text}`", f"[[{text}]]"))


@pytest.fixture(scope="module")
def sources() -> str:
    return "\n".join(" ".join(file.read_text(encoding="utf-8").split()) for file in [*HTML, *SCRIPTS, *PROGRAM])


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_in_the_catalogue_is_unused(language: str, sources: str) -> None:
    asked = {text for file in SCRIPTS for part in first_arguments(file.read_text(encoding="utf-8"), "code")
             for text in literals(part)}  # fmt: skip
    begun = tuple(re.findall(r"[`\"](\w+_)\$?\{", sources))  # `card_${card.state}`
    unused = []
    for entry in entries(language):
        text = str(entry.id)
        if entry.context is None:
            used = quoted(text, sources)
        else:
            named = re.search(rf"\b{re.escape(text)}\b", sources) is not None
            used = entry.context in asked and (named or text.startswith(begun))
        if not used:
            unused.append(f"{entry.context}|{text}" if entry.context else text)
    assert not unused


# -- it is well made


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_is_told_twice_or_left_empty(language: str) -> None:
    source = (LOCALE / f"{language}.po").read_text(encoding="utf-8")
    keys = re.findall(r'^(?:msgctxt (".*")\n)?msgid (".+"(?:\n".*")*|""(?:\n".+")+)$', source, re.M)[1:]
    assert [key for key, count in Counter(keys).items() if count > 1] == []
    assert [entry.id for entry in entries(language) if not entry.string] == []
    assert [entry.id for entry in entries(language) if entry.fuzzy] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_filled_in_has_its_place_in_each_language(language: str) -> None:
    english = catalogue("en")
    for entry in entries(language):
        whole = str(entry.id) if entry.context is None else english.get(f"{entry.context}|{entry.id}", "")
        if whole:
            assert gaps(str(entry.string)) == gaps(whole), entry.id


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_text_is_plain_and_printable(language: str) -> None:
    for entry in entries(language):
        text = str(entry.string)
        assert text == text.strip(), entry.id
        assert "  " not in text, entry.id
        assert not re.search(r"[\x00-\x09\x0b-\x1f]|!!", text), entry.id


@pytest.mark.parametrize("file", HTML, ids=lambda file: file.name)
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_page_in_a_language_names_it_and_has_no_mark_left(file: Path, language: str) -> None:
    page = in_language(file.read_text(encoding="utf-8"), language)
    assert "[[" not in page
    assert f'lang="{language}"' in page or file.name == "docs.html"


def test_the_reader_of_scripts_finds_what_stands_in_them() -> None:
    script = """t("One"); say(x, t(late ? "Late, {n}" : "In time", { n: t("inner") })); rest("no"); a.t("no"); t(it)"""
    found = [sorted(literals(part)) for part in first_arguments(script, "t")]
    assert found == [["One"], ["In time", "Late, {n}"], ["inner"], []]

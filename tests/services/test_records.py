"""A record is recognised only as the very bytes that were sealed; a fresh hash over wrong bytes does not help."""

import hashlib

import pytest

from services.records import ZERO_HASH, Entry, Origin, recognise, salvage, seal

ORIGIN = Origin("ab" * 16, "besuk/v1/a/b", True, 3)
ENTRY = Entry("besuk.test.noted", {"note": "é"}, "2026-11-21T08:31:07.250+08:00", 5, "synced")
LINE = seal(ORIGIN, ENTRY, 42, ZERO_HASH)


def rehashed(raw: bytes) -> bytes:
    body = raw[:-75]
    return body + b',"hash":"' + hashlib.sha256(body).hexdigest().encode() + b'"}'


def test_what_was_sealed_is_recognised() -> None:
    record = recognise(LINE.raw)
    assert record is not None
    assert (record.line, record.origin, record.prevhash) == (LINE, ORIGIN, ZERO_HASH)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"sequence":"000000000042"', b'"sequence":"000000000043"'),
        (b'"seq":42', b'"seq":43'),
        (b'"seq":42', b'"seq":042'),
        (b'"journal":"abab', b'"journal":"cdab'),
        (b'"boot":3', b'"boot":0'),
        (b'"bootms":"5"', b'"bootms":5'),
        (b'"simulated":true', b'"simulated":1'),
        (b'"clock":"synced"', b'"clock":"maybe"'),
        (b'"specversion":"1.0"', b'"specversion":"1.1"'),
        (b'"data":{"note"', b'"data": {"note"'),
        (b'"prevhash":"0', b'"prevhash":"G'),
    ],
)
def test_a_fresh_hash_does_not_make_a_record_of_something_else(old: bytes, new: bytes) -> None:
    assert old in LINE.raw
    assert recognise(rehashed(LINE.raw)) is not None
    assert recognise(rehashed(LINE.raw.replace(old, new))) is None


@pytest.mark.parametrize("raw", [LINE.raw + b" ", b" " + LINE.raw, LINE.raw[:-1], LINE.raw[1:], b""])
def test_one_byte_more_or_less_is_no_record(raw: bytes) -> None:
    assert recognise(raw) is None


def test_records_are_found_among_rubbish() -> None:
    pieces = [b'\0\0{"specversion":"1.0","id":"' + LINE.raw, LINE.raw[:-5], LINE.raw, LINE.raw]
    found = [record.line for record in salvage(b"\n".join(pieces))]
    assert found == [LINE, LINE], "the last one lacks its newline"

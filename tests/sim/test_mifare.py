"""Virtual cards: the states of ISO/IEC 14443-3, the keys and access bits of a MIFARE Classic."""

import pytest

from sim.air import Answer, air_us, crc_a, merged, with_crc
from sim.clock import WireError
from sim.mifare import Card, Classic, State, Ultralight

UID4, UID7, UID10 = (bytes.fromhex(uid) for uid in ("DEADBEEF", "04A1B2C3D4E5F6", "04A1B2C3D4E5F6010203"))
REQA, WUPA, HLTA = b"\x26", b"\x52", bytes.fromhex("500057CD")
FF = b"\xff" * 6


def say(card: Card, frame: bytes, *, enciphered: bool = False) -> bytes | None:
    answer = card.hear(frame, 7 if len(frame) == 1 else 0, enciphered, 10_000)
    return answer and answer.data


def active(card: Card) -> Card:
    """Select a card through all its levels."""
    card.power_on(0)
    say(card, WUPA)
    for level in (0x93, 0x95, 0x97):
        part = say(card, bytes((level, 0x20))) or b""
        sak = say(card, with_crc(bytes((level, 0x70)) + part)) or b""
        assert sak[1:] == crc_a(sak[:1])
        if not sak[0] & 0x04:
            break
    assert card.state is State.ACTIVE
    return card


@pytest.mark.parametrize(
    ("data", "crc"), [("5000", "57CD"), ("3008", "4A24"), ("3000", "02A8"), ("A008", "173D"), ("08", "B6DD")]
)
def test_crc_a(data: str, crc: str) -> None:
    assert crc_a(bytes.fromhex(data)) == bytes.fromhex(crc)


@pytest.mark.parametrize(
    ("card", "atqa", "levels"),
    [
        (Classic(UID4), "0400", ["deadbeef22"]),
        (Classic(UID7), "4400", ["8804a1b29f", "c3d4e5f604"]),
        (Card(UID10), "8400", ["8804a1b29f", "88c3d4e57a", "f6010203f6"]),
    ],
)
def test_each_level_tells_its_part_of_the_uid(card: Card, atqa: str, levels: list[str]) -> None:
    card.power_on(0)
    assert say(card, REQA) == bytes.fromhex(atqa)
    for command, part in zip((0x93, 0x95, 0x97), levels, strict=False):
        told = say(card, bytes((command, 0x20)))
        assert told is not None
        assert told.hex() == part
        assert told[0] ^ told[1] ^ told[2] ^ told[3] == told[4]
        say(card, with_crc(bytes((command, 0x70)) + told))
    assert card.state is State.ACTIVE


@pytest.mark.parametrize(
    ("before", "frame", "after", "answers"),
    [
        ("idle", REQA, State.READY, True),
        ("idle", WUPA, State.READY, True),
        ("idle", b"\x93\x20", State.IDLE, False),
        ("ready", REQA, State.IDLE, False),
        ("ready", b"\x93\x20", State.READY, True),
        ("ready", b"\x95\x20", State.IDLE, False),
        ("ready", b"\x93", State.IDLE, False),
        ("ready", HLTA, State.IDLE, False),
        ("ready", with_crc(bytes.fromhex("9370DEADBEEE23")), State.IDLE, False),
        ("active", WUPA, State.IDLE, False),
        ("active", HLTA, State.HALT, False),
        ("active", b"\x93\x20", State.IDLE, True),
        ("halt", REQA, State.HALT, False),
        ("halt", WUPA, State.READY, True),
        ("halt", HLTA, State.HALT, False),
        ("woken", WUPA, State.HALT, False),
        ("woken", HLTA, State.HALT, False),
        ("off", WUPA, State.OFF, False),
    ],
)
def test_states(before: str, frame: bytes, after: State, answers: bool) -> None:
    card = Classic(UID4)
    if before in ("active", "halt", "woken"):
        active(card)
    if before in ("halt", "woken"):
        say(card, HLTA)
    if before in ("idle", "ready"):
        card.power_on(0)
    if before in ("ready", "woken"):
        say(card, WUPA)
    assert (say(card, frame) is not None) is answers
    assert card.state is after


def test_it_needs_five_milliseconds_in_the_field() -> None:
    card = Classic(UID4)
    card.power_on(1_000)
    assert card.hear(WUPA, 7, False, 5_999) is None
    assert card.hear(WUPA, 7, False, 6_000) is not None


class TestClassic:
    def opened(self, block: int = 8, *, key_b: bool = False) -> Classic:
        card = Classic(UID7)
        active(card)
        assert card.authenticate(key_b, block, FF, UID7[-4:])
        return card

    def test_nothing_without_a_key(self) -> None:
        card = Classic(UID4)
        active(card)
        assert say(card, with_crc(b"\x30\x08")) == b"\x04"
        assert card.state is State.IDLE

    @pytest.mark.parametrize(
        ("block", "key", "uid4"), [(8, b"wrong!", UID7[-4:]), (64, FF, UID7[-4:]), (8, FF, UID7[:4])]
    )
    def test_a_refused_card_must_be_requested_again(self, block: int, key: bytes, uid4: bytes) -> None:
        card = Classic(UID7)
        active(card)
        assert not card.authenticate(False, block, key, uid4)
        assert card.state is State.IDLE

    def test_a_write_is_two_frames_each_acknowledged(self) -> None:
        card = self.opened()
        assert say(card, with_crc(b"\xa0\x09"), enciphered=True) == b"\x0a"
        assert say(card, with_crc(b"sixteen byte tok"), enciphered=True) == b"\x0a"
        assert say(card, with_crc(b"\x30\x09"), enciphered=True) == with_crc(b"sixteen byte tok")

    @pytest.mark.parametrize(
        "frames",
        [
            [with_crc(b"\x30\x04")],  # another sector
            [with_crc(b"\xa0\x00")],
            [b"\x30\x08\x00\x00"],
            [with_crc(b"\xa0\x08"), with_crc(b"short")],
            [with_crc(b"\x99\x08")],
        ],
    )
    def test_what_it_does_not_expect_ends_the_session(self, frames: list[bytes]) -> None:
        card = self.opened(block=0 if frames == [with_crc(b"\xa0\x00")] else 8)
        for frame in frames:
            answer = say(card, frame, enciphered=True)
        assert answer in (None, b"\x04", b"\x05")
        assert card.state is State.IDLE
        assert not any(card.blocks[8])

    def test_plain_text_under_crypto_ends_it_too(self) -> None:
        card = self.opened()
        assert say(card, with_crc(b"\x30\x08")) is None
        assert card.state is State.IDLE

    def test_without_power_it_forgets(self) -> None:
        card = self.opened()
        card.power_off()
        assert not card.enciphered

    @pytest.mark.parametrize(
        ("condition", "may"),
        [
            (0b000, "AR AW BR BW"),  # as delivered
            (0b010, "AR BR"),
            (0b100, "AR BR BW"),
            (0b110, "AR BR BW"),
            (0b001, "AR BR"),
            (0b011, "BR BW"),
            (0b101, "BR"),
            (0b111, ""),
        ],
    )
    def test_access_conditions(self, condition: int, may: str) -> None:
        c1, c2, c3 = condition >> 2, condition >> 1 & 1, condition & 1  # for block 0 of the sector alone
        bits = bytes(((c2 << 4 | c1) ^ 0xFF, c1 << 4 | c3 ^ 0xF, c3 << 4 | c2))
        allowed = []
        for key in "AB":
            for verb, code in (("R", 0x30), ("W", 0xA0)):
                card = Classic(UID7)
                card.blocks[11][6:9] = bits
                active(card)
                assert card.authenticate(key == "B", 8, FF, UID7[-4:])
                answer = say(card, with_crc(bytes((code, 8))), enciphered=True)
                if answer != b"\x04":
                    allowed.append(key + verb)
        assert allowed == may.split()

    def test_a_trailer_that_would_lock_its_sector_for_ever_is_the_drivers_fault(self) -> None:
        card = self.opened()
        say(card, with_crc(b"\xa0\x0b"), enciphered=True)
        with pytest.raises(WireError, match="would lock sector 2 for ever"):
            say(card, with_crc(FF + bytes.fromhex("FF0700") + b"\x69" + FF), enciphered=True)

    def test_a_good_trailer_changes_the_keys(self) -> None:
        card = self.opened()
        say(card, with_crc(b"\xa0\x0b"), enciphered=True)
        assert say(card, with_crc(b"newkey" + bytes.fromhex("FF078069") + FF), enciphered=True) == b"\x0a"
        active(card)
        assert card.authenticate(False, 8, b"newkey", UID7[-4:])


class TestUltralight:
    def test_four_pages_at_a_time_wrapping_round(self) -> None:
        card = Ultralight(UID7)
        active(card)
        assert say(card, with_crc(b"\xa2\x0fabcd")) == b"\x0a"
        assert say(card, with_crc(b"\x30\x0f")) == with_crc(b"abcd" + bytes(12))

    @pytest.mark.parametrize("frame", [b"\x30\x0f\x00\x00", with_crc(b"\x30\x40"), with_crc(b"\xa2\x03abcd")])
    def test_refuses(self, frame: bytes) -> None:
        card = Ultralight(UID7)
        active(card)
        assert say(card, frame) in (b"\x00", b"\x05")

    def test_has_no_keys(self) -> None:
        card = Ultralight(UID7)
        active(card)
        assert not card.authenticate(False, 4, FF, UID7[-4:])


@pytest.mark.parametrize("uid", ["", "04A1B2", "88A1B2C3", "04A1B2C3D4E5"])
def test_no_card_has_such_a_uid(uid: str) -> None:
    with pytest.raises(ValueError, match="no card has the UID"):
        Card(bytes.fromhex(uid))


def test_frames_take_their_time() -> None:
    assert air_us(1, 7) == 85  # a request: nine bits of 9.44 us
    assert air_us(18) == 1548


@pytest.mark.parametrize(
    ("first", "second", "place"),
    [("DEADBEEF22", "DEADBEEF22", 0), ("DEADBEEF22", "DFADBEEF23", 1), ("DEADBEEF22", "DEADBE6FA2", 32)],
)
def test_cards_collide_at_the_first_bit_that_differs(first: str, second: str, place: int) -> None:
    one, other = (Answer(bytes.fromhex(data)) for data in (first, second))
    assert merged([one, other])[1] == place

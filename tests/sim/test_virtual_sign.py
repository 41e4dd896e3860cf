"""The virtual signs are as strict as the protocol, and as deaf to noise as the real ones."""

import pytest

from hal.bus import SerialSettings
from sim.clock import VirtualClock, WireError
from sim.led_sign import VirtualAlphaSign, VirtualAsciiSign
from sim.serial_line import HostPort, VirtualLine

HEAD = b"\0\0\0\0\0\x01Z00\x02"
A042 = HEAD + b"A0\x1b bA042\x04"


class Post:
    """A sign at the end of a line, and a host that writes raw bytes."""

    def __init__(self, *, checksum: bool = False) -> None:
        self.clock = VirtualClock()
        self.line = VirtualLine(self.clock, SerialSettings())
        self.sign = VirtualAlphaSign(self.line, checksum=checksum)
        self.port: HostPort = self.line.open(SerialSettings())

    def hears(self, data: bytes) -> str:
        self.port.write(data)
        self.clock.advance_to(self.clock.now_us + 10_000_000)
        return self.sign.reads


@pytest.fixture
def post() -> Post:
    return Post()


@pytest.mark.parametrize(
    ("data", "reads"),
    [
        (A042, "A042"),
        (HEAD + b"A0\x1b bA042\x0301EA\x04", "A042"),
        (HEAD + b"AA\x1b bWELCOME\x04" + A042, "A042"),
        (HEAD + b"AA\x1b bWELCOME\x04" + A042 + HEAD + b"A0\x04", "WELCOME"),
        (b"\0\0\0" + A042, "A042"),
        (b"\0\0\0\0\0\x01Z01\x02A0\x1b bMINE\x04", "MINE"),
        (b"\0\0\0\0\0\x01Z02\x02A0\x1b bANOTHER'S\x04", ""),
        (b"\0\0\0\0\0\x01!00\x02A0\x1b bANOTHER TYPE'S\x04", ""),
        (HEAD + b"E$1BL00200000\x04" + HEAD + b"G1A-021\x04" + HEAD + b"A0\x1b b\x101 LOKET 1\x04", "A-021 LOKET 1"),
        (HEAD + b"A0\x1b0c\x1c2\x1a1A\x0dB\x04", "A B"),
        (b"stray letters" + A042, "A042"),
    ],
)
def test_what_a_person_reads(post: Post, data: bytes, reads: str) -> None:
    assert post.hears(data) == reads


def test_a_string_file_changes_the_number_within_a_text(post: Post) -> None:
    post.hears(HEAD + b"E$1BL00200000\x04" + HEAD + b"A0\x1b bNOMOR \x101\x04")
    assert post.hears(HEAD + b"G1A-021\x04") == "NOMOR A-021"
    assert post.hears(HEAD + b"G1A-022\x04") == "NOMOR A-022"


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (A042[1:], "4 NULs"),
        (b"\0\0\0\0\0Z", "where SOH belongs"),
        (b"\0\0\0\0\0\x01Z0\x02A0\x04", "no STX"),
        (b"\0\0\0\0\0\x01Zxy\x02A0\x04", "hex digits"),
        (HEAD + b"A0\x1b bA042\x0301EB\x04", "checksum"),
        (HEAD + b"A0\x1b bA042\x0301ea\x04", "checksum"),
        (A042[:-1] + A042, "no EOT"),
        (HEAD + b"\x04", "without a command"),
        (HEAD + b"Q0\x04", "unknown command"),
        (HEAD + b"A\x04", "no file label"),
        (HEAD + b"A0A042\x04", "ESC and a position"),
        (HEAD + b"A0\x1b!bA042\x04", "ESC and a position"),
        (HEAD + b"A0\x1b !A042\x04", "unknown mode"),
        (HEAD + b"A0\x1b b\x07\x04", "no such letter"),
        (HEAD + b"A0\x1b b\x1c9\x04", "unknown colour"),
        (HEAD + b"A0\x1b b\x10\x04", "nothing after control code"),
        (HEAD + b"A0\x1b b" + b"x" * 200 + b"\x04", "125 at most"),
        (HEAD + b"G1A-021\x04", "before the memory was configured"),
        (HEAD + b"E$1BL00200000\x04" + HEAD + b"G1" + b"x" * 126 + b"\x04", "125 at most"),
        (HEAD + b"E$1BL0020\x04", "11 for each file"),
        (HEAD + b"E$1CL00200000\x04", "A or B"),
        (HEAD + b"A0\x1b bX\x02A1\x1b bY\x04", "nested"),
        (HEAD + b"A" * 5_000, "without end"),
    ],
)
def test_a_frame_that_is_wrong_without_noise_fails_the_run(post: Post, data: bytes, says: str) -> None:
    with pytest.raises(WireError, match=says):
        post.hears(data)


def test_noise_costs_one_frame_and_no_more(post: Post) -> None:
    post.line.noisy = True
    assert post.hears(A042) == ""
    post.line.noisy = False
    assert post.hears(A042) == "A042"


def test_noise_in_the_middle_of_a_frame_spoils_it_and_not_the_next(post: Post) -> None:
    assert post.hears(A042[:12] + b"\xfe" + A042[12:] + b"\0\0\0\0\0" + A042.replace(b"A042", b"A043")) == "A043"


def test_a_restart_leaves_the_sign_dark(post: Post) -> None:
    post.hears(A042)
    post.sign.restart()
    assert (post.sign.reads, post.sign.mode, post.sign.colour) == ("", "", "")


def test_a_sign_that_wants_checksums_drops_a_frame_without_one() -> None:
    post = Post(checksum=True)
    assert post.hears(A042) == ""
    assert post.hears(HEAD + b"A0\x1b bA042\x0301EA\x04") == "A042"


class Display:
    """A plain ASCII number display."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.line = VirtualLine(self.clock, SerialSettings())
        self.sign = VirtualAsciiSign(self.line)
        self.port = self.line.open(SerialSettings())

    def hears(self, data: bytes) -> str:
        self.port.write(data)
        self.clock.advance_to(self.clock.now_us + 1_000_000)
        return self.sign.reads


def test_the_ascii_display_shows_its_fields_and_sits_out_noise() -> None:
    display = Display()
    assert display.hears(b"A-021;1\r\n") == "A-021 1"
    display.line.noisy = True
    assert display.hears(b"A-022;2\r\n") == "A-021 1"
    display.line.noisy = False
    display.hears(b"A-023;1\r\n")
    assert display.hears(b"A-023;1\r\n") == "A-023 1"
    assert display.hears(b";\r\n") == ""


@pytest.mark.parametrize("data", [b"A-021\r\n", b"A;B;C\r\n", b"A\x01;1\r\n", b"x" * 300])
def test_the_ascii_display_is_strict(data: bytes) -> None:
    with pytest.raises(WireError):
        Display().hears(data)

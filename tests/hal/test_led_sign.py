"""The sign shows what it was told, through unplugging, noise and power cuts, in letters that it has."""

import itertools

import pytest

from hal import alpha
from hal.bus import SerialPort, SerialSettings
from hal.clock import Millis
from hal.contacts import NEVER
from hal.led_sign import AlphaSign, AsciiSign, SerialSign, SignMessage, legible
from hal.seen import Health
from sim.clock import VirtualClock
from sim.led_sign import VirtualAlphaSign, VirtualAsciiSign
from sim.serial_line import HostPort, VirtualLine

BETABRITE = SerialSettings(4800, 7, "E", 2)
CALL = SignMessage("A-021 LOKET 1", ticket="A-021", counter="1")
NEXT = SignMessage("A-022 LOKET 2", ticket="A-022", counter="2")
FIRE = SignMessage("<<< KELUAR >>>", mode="flash", colour="red")
SCAN_MS = 20


class Hall:
    """An Alpha sign on a slow line, its driver, and a scan every 20 ms."""

    def __init__(
        self, host: SerialSettings = BETABRITE, *, checksum: bool = True, wants_checksum: bool = False
    ) -> None:
        self.clock = VirtualClock()
        self.line = VirtualLine(self.clock, BETABRITE)
        self.sign = VirtualAlphaSign(self.line, checksum=wants_checksum)
        self.opened = 0

        def open_serial() -> SerialPort:
            self.opened += 1
            return self.line.open(host)

        self.driver: SerialSign = AlphaSign(open_serial, self.clock, settings=host, checksum=checksum)

    def scans(self, ms: Millis) -> None:
        for _ in range(ms // SCAN_MS):
            self.clock.advance_to(self.clock.now_us + SCAN_MS * 1000)
            self.driver.poll(self.clock.now())

    def health(self) -> Health:
        return self.driver.health


# -- frames, to the byte


@pytest.mark.parametrize(
    ("checksum", "bytes_sent"),
    [
        (False, "00 00 00 00 00 01 5A 30 30 02 41 30 1B 20 62 41 30 34 32 04"),
        (True, "00 00 00 00 00 01 5A 30 30 02 41 30 1B 20 62 41 30 34 32 03 30 31 45 41 04"),
    ],
)
def test_a_number_held_in_the_priority_file(checksum: bool, bytes_sent: str) -> None:
    assert alpha.frame(alpha.priority_text(b"A042", "hold", None), checksum=checksum) == bytes.fromhex(bytes_sent)


def test_the_end_of_the_priority() -> None:
    frame = alpha.frame(alpha.no_priority_text(), checksum=False)
    assert frame == bytes.fromhex("00 00 00 00 00 01 5A 30 30 02 41 30 04")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("A-021 LOKET 1", "A-021 LOKET 1"),
        ("Café Señor Ñandú", "Cafe Senor Nandu"),
        ("tunggu – “gratis”…", 'tunggu - "gratis"...'),
        ("→ KELUAR ←", "> KELUAR <"),
        ("Rp 0 · 会見 €", "Rp 0 * ?? ?"),
        ("a\x1bb\x04c\nd", "a?b?c d"),
        ("", ""),
    ],
)
def test_a_sign_is_sent_only_letters_that_it_has(text: str, shown: str) -> None:
    assert legible(text) == shown


# -- showing


@pytest.mark.parametrize(
    ("message", "reads", "mode", "colour"),
    [
        (CALL, "A-021 LOKET 1", "hold", "red"),
        (FIRE, "<<< KELUAR >>>", "flash", "red"),
        (SignMessage("BESUK GRATIS", mode="scroll", colour="green"), "BESUK GRATIS", "rotate", "green"),
        (SignMessage("A-021\nLOKET 1", colour="amber"), "A-021 LOKET 1", "hold", "amber"),
        (SignMessage("\nPENUH\n "), "PENUH", "hold", "red"),
        (SignMessage(), "", "", ""),
        (SignMessage("x" * 300), "x" * 125, "hold", "red"),
    ],
)
@pytest.mark.parametrize("checksum", [True, False])
def test_the_sign_reads_as_it_was_told(
    message: SignMessage, reads: str, mode: str, colour: str, checksum: bool
) -> None:
    hall = Hall(checksum=checksum)
    hall.driver.show(message)
    hall.scans(1_000)
    assert (hall.sign.reads, hall.sign.mode, hall.sign.colour) == (reads, mode, colour)


def test_two_lines_fill_the_sign() -> None:
    hall = Hall()
    hall.driver.show(SignMessage("A-021\nLOKET 1"))
    hall.scans(1_000)
    assert hall.sign.lines == ["A-021", "LOKET 1"]


def test_an_empty_message_gives_the_sign_back_to_its_owner() -> None:
    hall = Hall()
    hall.driver.show(CALL)
    hall.scans(1_000)
    hall.driver.show(SignMessage())
    hall.scans(1_000)
    assert hall.sign.reads == ""


def test_nothing_is_sent_before_there_is_something_to_show() -> None:
    hall = Hall()
    hall.scans(30_000)
    assert hall.line.sent_by_host == 0


def test_the_same_message_is_sent_once_and_repeated_every_ten_seconds() -> None:
    hall = Hall()
    for _ in range(100):
        hall.driver.show(CALL)
        hall.scans(90)
    assert hall.sign.frames == 1
    hall.scans(13_000)
    assert hall.sign.frames == 3
    hall.scans(30_000)
    assert hall.sign.frames == 6


def test_of_messages_that_come_faster_than_the_line_the_last_is_shown_and_the_line_is_never_behind() -> None:
    hall = Hall()
    for number in range(200):
        hall.driver.show(SignMessage(f"A-{number:03d}"))
        hall.scans(SCAN_MS)
    hall.scans(400)
    assert hall.sign.reads == "A-199"
    assert hall.sign.frames < 4_400 / 150  # what a line of 4800 baud can carry


def test_a_fire_waits_for_one_frame_at_most() -> None:
    hall = Hall()
    for number in range(50):
        hall.driver.show(SignMessage(f"A-{number:03d} LOKET 1"))
        hall.scans(SCAN_MS)
    hall.driver.show(FIRE)
    hall.scans(400)
    assert hall.sign.reads == "<<< KELUAR >>>"


# -- trouble


def test_a_sign_that_was_switched_off_reads_right_again_within_ten_seconds() -> None:
    hall = Hall()
    hall.driver.show(CALL)
    hall.scans(3_000)
    hall.sign.restart()
    assert hall.sign.reads == ""
    hall.scans(10_000)
    assert hall.sign.reads == "A-021 LOKET 1"


def test_a_message_lost_to_noise_is_there_with_the_next_repeat() -> None:
    hall = Hall()
    hall.driver.show(CALL)
    hall.scans(1_000)
    hall.line.noisy = True
    hall.driver.show(NEXT)
    hall.scans(1_000)
    assert hall.sign.reads == "A-021 LOKET 1"
    hall.line.noisy = False
    hall.scans(10_000)
    assert hall.sign.reads == "A-022 LOKET 2"


def test_unplugged_and_plugged_it_shows_what_is_called_by_then() -> None:
    hall = Hall()
    hall.driver.show(CALL)
    hall.scans(1_000)
    hall.line.unplug()
    hall.scans(40)
    assert hall.health() is Health.GONE
    assert "serial adapter is missing" in hall.driver.detail
    hall.driver.show(NEXT)
    hall.scans(4_000)
    hall.line.plug()
    hall.scans(6_000)
    assert (hall.health(), hall.driver.detail) == (Health.OK, "")
    assert hall.sign.reads == "A-022 LOKET 2"


def test_unplugged_in_the_middle_of_a_frame() -> None:
    hall = Hall()
    hall.driver.show(CALL)
    hall.scans(40)
    hall.line.unplug()
    hall.scans(500)
    hall.line.plug()
    hall.scans(3_000)
    assert hall.sign.reads == "A-021 LOKET 1"


def test_a_line_that_is_missing_is_tried_ever_more_seldom() -> None:
    hall = Hall()
    hall.line.unplug()
    hall.scans(10 * 60_000)
    assert hall.health() is Health.GONE
    assert 20 <= hall.opened <= 26
    hall.line.plug()
    hall.driver.show(CALL)
    hall.scans(31_000)
    assert hall.sign.reads == "A-021 LOKET 1"


def test_a_sign_set_to_another_speed_stays_dark_and_the_daemon_lives() -> None:
    hall = Hall(host=SerialSettings(9600, 8, "N", 1))
    hall.driver.show(CALL)
    hall.scans(30_000)
    assert hall.sign.reads == ""


def test_a_sign_that_insists_on_checksums_shows_nothing_without() -> None:
    hall = Hall(checksum=False, wants_checksum=True)
    hall.driver.show(CALL)
    hall.scans(2_000)
    assert hall.sign.reads == ""


def test_what_a_sign_babbles_is_dropped() -> None:
    hall = Hall()
    hall.scans(20)
    hall.line.send(b"?" * 2_000)
    hall.driver.show(CALL)
    hall.scans(1_000)
    assert (hall.health(), hall.sign.reads) == (Health.OK, "A-021 LOKET 1")


class LooseAdapter(HostPort):
    """An adapter that is so far gone that even closing it fails."""

    def close(self) -> None:
        super().close()
        raise OSError(5, "Input/output error")


def test_an_adapter_that_cannot_even_be_closed_is_opened_anew() -> None:
    hall = Hall()
    generations = itertools.count(1)

    def open_serial() -> SerialPort:
        hall.line.open(BETABRITE)
        return LooseAdapter(hall.line, next(generations))

    hall.driver = AlphaSign(open_serial, hall.clock, settings=BETABRITE)
    hall.driver.show(CALL)
    hall.scans(1_000)
    next(generations)  # what the line counts when it is unplugged
    hall.line.unplug()
    hall.scans(100)
    assert hall.health() is Health.GONE
    assert hall.driver.due(hall.clock.now()) > hall.clock.now()
    hall.line.plug()
    hall.driver.show(NEXT)
    hall.scans(2_000)
    assert (hall.health(), hall.sign.reads) == (Health.OK, "A-022 LOKET 2")


def test_closing_leaves_the_sign_as_it_was() -> None:
    hall = Hall()
    hall.driver.show(CALL)
    hall.scans(1_000)
    hall.driver.close()
    hall.driver.close()
    hall.clock.advance_to(60_000_000)
    assert hall.sign.reads == "A-021 LOKET 1"


def test_it_is_due_when_the_next_repeat_is() -> None:
    hall = Hall()
    hall.scans(20)
    assert hall.driver.due(20) == NEVER
    hall.driver.show(CALL)
    assert hall.driver.due(20) == 20
    hall.scans(20)
    assert hall.driver.due(40) == 10_000
    hall.driver.show(NEXT)
    free_at = hall.driver.due(40)
    assert 40 < free_at < 400  # as soon as the first is out
    hall.clock.advance_to(free_at * 1_000)
    hall.driver.poll(free_at)
    hall.scans(300)
    assert hall.sign.reads == "A-022 LOKET 2"


# -- the template driver


class Counter:
    """A number display beside the Alpha sign, with its driver."""

    def __init__(self, template: str = "{ticket};{counter}\r\n", fields: int = 2) -> None:
        self.clock = VirtualClock()
        self.line = VirtualLine(self.clock, SerialSettings())
        self.sign = VirtualAsciiSign(self.line, fields=fields)
        self.driver = AsciiSign(lambda: self.line.open(SerialSettings()), self.clock, template=template)

    def show(self, message: SignMessage) -> str:
        self.driver.show(message)
        for _ in range(50):
            self.clock.advance_to(self.clock.now_us + SCAN_MS * 1000)
            self.driver.poll(self.clock.now())
        return self.sign.reads


@pytest.mark.parametrize(
    ("template", "fields", "reads"),
    [
        ("{ticket};{counter}\r\n", 2, "A-021 1"),
        ("{ticket}\r\n", 1, "A-021"),
        ("{text}\r\n", 1, "A-021 LOKET 1"),
        ("{ticket:>6};{counter:0>2};{text}\r\n", 3, " A-021 01 A-021 LOKET 1"),
    ],
)
def test_a_template_makes_the_line(template: str, fields: int, reads: str) -> None:
    assert Counter(template, fields).show(CALL) == reads


def test_a_number_display_forgets_and_is_told_again() -> None:
    counter = Counter()
    assert counter.show(CALL) == "A-021 1"
    counter.sign.restart()
    for _ in range(29):
        counter.show(CALL)
    assert counter.show(CALL) == "A-021 1"


@pytest.mark.parametrize("template", ["{name}\r\n", "{0}", "{ticket", "№ {ticket}", "{ticket.secret}"])
def test_a_template_that_cannot_be_filled_is_a_configuration_error(template: str) -> None:
    with pytest.raises(ValueError, match="sign template"):
        Counter(template)

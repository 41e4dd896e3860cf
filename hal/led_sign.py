"""LED signs on a serial line: told what to show from now on, they are told again every 10 s.

A sign never answers. One that was switched off, or that a spark made forget, says nothing and shows nothing, so what
it should show is simply sent again; an unplugged line is the only trouble that can be known. A message takes a part of
a second on a slow line: one is on its way at a time, and of those that come meanwhile only the last is sent.

Two protocols have this face. `AlphaSign` speaks to BetaBrite and kin. It rewrites the priority file, though a STRING
file could change a number without blanking the text for an instant: STRING files need the sign's memory configured
first, which wipes what its owner stored there, blanks the sign for longer, and would have to be repeated with every
message, since a sign that lost its memory does not say so. `AsciiSign` fills a template, for the many that document no
more than one line of text.
"""

import unicodedata
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from hal import alpha
from hal.alpha import Colour, Mode
from hal.bus import SERIAL_TROUBLE, OpenSerial, SerialPort, SerialSettings
from hal.clock import Clock, Millis
from hal.contacts import NEVER
from hal.seen import NOTHING_MOVED, Health, Seen

REPEAT_MS: Millis = 10_000
"""What is shown is sent again at each full 10 s: a sign that was switched off is right again by then."""
GAP_MS: Millis = 100  # for the sign to take in a frame before the next
BACK_OFF_MS: tuple[Millis, ...] = (1_000, 2_000, 5_000, 10_000, 30_000)

TYPOGRAPHY = str.maketrans(
    {"–": "-", "—": "-", "‘": "'", "’": "'", "“": '"', "”": '"', "…": "...", "•": "*", "·": "*"}
    | {"→": ">", "←": "<", "↑": "^", "↓": "v", "×": "x", "\u00a0": " ", "\n": " ", "\r": " ", "\t": " "}
)


@dataclass(frozen=True, slots=True)
class SignMessage:
    """What a sign should show, and for signs with a template of their own, the parts it is made of."""

    text: str = ""
    """Lines are separated by a newline. Empty: nothing."""
    ticket: str = ""
    counter: str = ""
    mode: Mode = "hold"
    colour: Colour | None = None
    """None: the sign's own."""


def legible(text: str) -> str:
    """The text in printable ASCII: letters lose their accents, and what a sign does not have becomes `?`."""
    plain = unicodedata.normalize("NFKD", text.translate(TYPOGRAPHY))
    return "".join(
        letter if " " <= letter <= "~" else "?" for letter in plain if not unicodedata.combining(letter)
    )


class SerialSign(ABC):
    """What both signs have in common: a line that may be unplugged, one frame at a time, and the repeats."""

    def __init__(self, open_serial: OpenSerial, clock: Clock, settings: SerialSettings, repeat_ms: Millis) -> None:
        """`settings` are those with which `open_serial` opens: they say how long a frame takes. Opens nothing yet."""
        self._open_serial = open_serial
        self._clock = clock
        self._bits_per_byte = 1 + settings.bytesize + (settings.parity != "N") + settings.stopbits
        self._baudrate = settings.baudrate
        self._repeat_ms = repeat_ms
        self._port: SerialPort | None = None
        self._retry_at: Millis = clock.now()
        self._failures = 0
        self._message: SignMessage | None = None
        self._send_at: Millis = NEVER
        self._line_free_at: Millis = 0
        self._trouble = ""

    @abstractmethod
    def encode(self, message: SignMessage) -> bytes:
        """All that has to be sent for the sign to show this."""

    def show(self, message: SignMessage) -> None:
        """Show this from now on. The message that is being shown already is not sent again before its time."""
        if message != self._message:
            self._message = message
            self._send_at = self._clock.now()

    @property
    def health(self) -> Health:
        return Health.GONE if self._trouble else Health.OK

    @property
    def detail(self) -> str:
        return self._trouble

    def poll(self, now: Millis) -> Sequence[Seen]:
        """Open the line if it is not, send what is due. A sign sees nothing, so nothing is ever reported."""
        try:
            port = self._line(now)
            if port is None:
                return ()
            if port.in_waiting:  # the only way to learn at once that the adapter was pulled; signs send nothing
                port.reset_input_buffer()
            if self._message is not None and now >= max(self._send_at, self._line_free_at):
                data = self.encode(self._message)
                port.write(data)
                self._send_at = (now // self._repeat_ms + 1) * self._repeat_ms
                self._line_free_at = now + len(data) * self._bits_per_byte * 1_000 // self._baudrate + GAP_MS
        except SERIAL_TROUBLE as trouble:
            self._lose(now, trouble)
        return ()

    def due(self, now: Millis, moved: Millis = NOTHING_MOVED) -> Millis:
        if self._port is None:
            return max(now, self._retry_at)
        if self._message is None:
            return NEVER
        return max(now, self._send_at, self._line_free_at)

    def close(self) -> None:
        """Give the line back. The sign keeps what it showed last."""
        if self._port is not None:
            try:
                self._port.close()
            except SERIAL_TROUBLE as trouble:
                self._trouble = f"LED sign: {trouble}"
            self._port = None

    def _line(self, now: Millis) -> SerialPort | None:
        if self._port is None and now >= self._retry_at:
            self._port = self._open_serial()
            self._line_free_at = now
            self._send_at = now  # whatever the sign shows now, it may not be what it should
            self._failures = 0
            self._trouble = ""
        return self._port

    def _lose(self, now: Millis, trouble: Exception) -> None:
        self.close()
        self._trouble = f"LED sign: the serial adapter is missing or does not open ({trouble})"
        self._retry_at = now + BACK_OFF_MS[min(self._failures, len(BACK_OFF_MS) - 1)]
        self._failures += 1


class AlphaSign(SerialSign):
    """A sign that speaks the Alpha protocol. An empty message gives it back to its own texts."""

    def __init__(
        self,
        open_serial: OpenSerial,
        clock: Clock,
        *,
        settings: SerialSettings = SerialSettings(9600, 8, "N", 1),  # noqa: B008  # a frozen value
        checksum: bool = True,
        address: str = "00",
        repeat_ms: Millis = REPEAT_MS,
    ) -> None:
        """`checksum`: whether frames carry one, which not all kin know. `address`: two hex digits, 00 is every sign."""
        super().__init__(open_serial, clock, settings, repeat_ms)
        self._checksum = checksum
        self._address = address.encode("ascii")

    def encode(self, message: SignMessage) -> bytes:
        lines = [line for line in map(legible, message.text.split("\n")) if line.strip()]
        text = alpha.NEW_LINE.join(line.encode("ascii") for line in lines)[: alpha.PRIORITY_MOST]
        if text:
            command = alpha.priority_text(text, message.mode, message.colour, lines=len(lines))
        else:
            command = alpha.no_priority_text()
        return alpha.frame(command, checksum=self._checksum, address=self._address)


class AsciiSign(SerialSign):
    """A sign that takes one line of plain ASCII, by a template with `{ticket}`, `{counter}` and `{text}`."""

    def __init__(
        self,
        open_serial: OpenSerial,
        clock: Clock,
        *,
        template: str = "{ticket};{counter}\r\n",
        settings: SerialSettings = SerialSettings(9600, 8, "N", 1),  # noqa: B008  # a frozen value
        repeat_ms: Millis = REPEAT_MS,
    ) -> None:
        """Raises ValueError when the template asks for a part that a message does not have, or is not ASCII."""
        super().__init__(open_serial, clock, settings, repeat_ms)
        self._template = template
        try:
            self.encode(SignMessage())
        except (LookupError, AttributeError, ValueError) as error:
            raise ValueError(f"sign template {template!r}: only {{ticket}}, {{counter}} and {{text}}, ASCII") from error

    def encode(self, message: SignMessage) -> bytes:
        parts = {
            "ticket": legible(message.ticket),
            "counter": legible(message.counter),
            "text": legible(message.text),
        }
        return self._template.format(**parts).encode("ascii")

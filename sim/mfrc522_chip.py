"""The MFRC522 chip at the level of its registers (NXP MFRC522 data sheet): what a transfer writes, reads and sets off.

Nothing here runs by itself. When a frame is started, all that follows from it is worked out at once, with the moments
at which it will be true; a later transfer finds what has become true by then. In strict mode whatever the data sheet
leaves open or forbids is a `WireError`: a driver must not rely on it.
"""

from collections.abc import Sequence

from sim.air import ANTICOLLISION, BIT_US, CARRIER_MHZ, POWER_UP_US, REQA, WUPA, Answer, air_us, crc_a, merged
from sim.clock import BusClock, VirtualClock, WireError
from sim.mifare import Card, State

COMMAND, COM_IRQ, DIV_IRQ, ERROR, STATUS2 = 0x01, 0x04, 0x05, 0x06, 0x08
FIFO_DATA, FIFO_LEVEL, WATER_LEVEL, CONTROL, BIT_FRAMING, COLL = 0x09, 0x0A, 0x0B, 0x0C, 0x0D, 0x0E
TX_CONTROL, CRC_HIGH, CRC_LOW = 0x14, 0x21, 0x22
T_MODE, T_PRESCALER, T_RELOAD_HIGH, T_RELOAD_LOW, VERSION = 0x2A, 0x2B, 0x2C, 0x2D, 0x37

IDLE, CALC_CRC, NO_CHANGE, TRANSCEIVE, MF_AUTHENT, SOFT_RESET = 0x00, 0x03, 0x07, 0x0C, 0x0E, 0x0F
SET, TX_IRQ, RX_IRQ, IDLE_IRQ, HI_ALERT, LO_ALERT, ERR_IRQ, TIMER_IRQ = 0x80, 0x40, 0x20, 0x10, 0x08, 0x04, 0x02, 0x01
BUFFER_OVERFLOW, COLLISION, PARITY, PROTOCOL = 0x10, 0x08, 0x02, 0x01
CRYPTO1_ON, START_SEND, FLUSH = 0x08, 0x80, 0x80

RESET_VALUES = {
    0x01: 0x20, 0x02: 0x80, 0x04: 0x14, 0x07: 0x21, 0x0B: 0x08, 0x0C: 0x10, 0x0E: 0x80, 0x11: 0x3F, 0x14: 0x80,
    0x16: 0x10, 0x17: 0x84, 0x18: 0x84, 0x19: 0x4D, 0x1F: 0xEB, 0x21: 0xFF, 0x22: 0xFF, 0x24: 0x26, 0x26: 0x48,
    0x27: 0x88, 0x28: 0x20, 0x29: 0x20, 0x36: 0x40,
}  # fmt: skip
RESERVED = (0x00, 0x0F, 0x10, 0x1A, 0x1B, 0x1D, 0x1E, 0x20, 0x23, 0x25, 0x30, 0x3C, 0x3D, 0x3E, 0x3F)
READ_ONLY = (ERROR, 0x07, CRC_HIGH, CRC_LOW, 0x2E, 0x2F, VERSION)
FIFO_SIZE = 64
NOTHING = 0x00
"""A reserved register that reads as 00, as does the first byte of every answer."""

AUTHENTICATION_US = round((38 + 38 + 74 + 38) * BIT_US) + 3 * 95
"""AUTH, the card's nonce, the reader's answer of eight bytes, the card's of four, and the delays between them."""
NEVER = 1 << 62


class Chip:
    """A bare chip with the cards in its field."""

    def __init__(self, clock: VirtualClock, version: int, *, strict: bool) -> None:
        self.clock = BusClock(clock)
        self.version = version
        self.strict = strict
        self._forgiven_until_us = 0
        self._field: list[Card] = []
        self._answering: list[Card] = []
        self._answer: Answer | None = None
        self._unread = False
        self._bursts: dict[tuple[int, ...], bytes] = {}
        """Reads of several registers that have been found right, and the registers."""
        self._writers = {
            COMMAND: self._write_command,
            COM_IRQ: self._write_com_irq,
            DIV_IRQ: self._write_div_irq,
            STATUS2: self._write_status2,
            FIFO_LEVEL: self._write_fifo_level,
            BIT_FRAMING: self._write_bit_framing,
            TX_CONTROL: self._write_tx_control,
        }
        self._power_up()

    def transfer(self, data: Sequence[int]) -> list[int]:
        """What one transfer reads, writes and sets off."""
        if self.clock.now_us >= self._next_us:
            self._settle()
        head = data[0]
        if head & 0x80:
            return self._read(data)
        register = head >> 1
        if head & 1 or len(data) < 2:
            self._object(f"a write begins with an even address byte and carries data, not {bytes(data).hex(' ')}")
        if writer := self._writers.get(register):
            if len(data) == 2:
                writer(data[1])
            else:
                for value in data[1:]:
                    writer(value)
        elif register == FIFO_DATA:
            self._write_fifo(data[1:])
        elif register in RESERVED or register in READ_ONLY:
            self._object(f"register {register:02X} cannot be written")
        else:
            self._registers[register] = data[-1]
        return [0] * len(data)

    def _object(self, complaint: str) -> None:
        if self.strict and self.clock.now_us >= self._forgiven_until_us:
            raise WireError(f"MFRC522: {complaint}")

    # -- registers

    def _read(self, data: Sequence[int]) -> list[int]:
        if data[-1] != 0 or len(data) < 2:
            self._object("the last byte of a read is 00, with at least one address before it")
        registers = self._registers
        if (known := self._bursts.get(tuple(data))) is not None:
            return [registers[register] for register in known]
        answer = [0]
        plain = True
        for address in data[:-1]:
            register = address >> 1 & 0x3F
            if address & 0x81 != 0x80:
                self._object(f"{address:02X} is no read address")
                plain = False
            if register != FIFO_DATA:
                answer.append(registers[register])
                continue
            plain = False
            if self._fifo:
                answer.append(self._fifo.pop(0))
                registers[FIFO_LEVEL] = len(self._fifo)
            else:
                self._object("the FIFO is read beyond its level")
                answer.append(0)
        if plain and data[-1] == 0 and len(data) > 1:
            self._bursts[tuple(data)] = bytes((NOTHING, *(address >> 1 & 0x3F for address in data[:-1])))
        return answer

    def _write_fifo(self, data: Sequence[int]) -> None:
        if self._unread and self._fifo:
            self._object("a frame is mixed with the unread rest of the answer before it: flush the FIFO")
        room = FIFO_SIZE - len(self._fifo)
        if len(data) > room:
            self._object(f"the FIFO overflows: {len(data)} bytes into {room}")
            self._raise_error(BUFFER_OVERFLOW)
        self._unread = False
        self._fifo += bytes(data[:room])
        self._registers[FIFO_LEVEL] = len(self._fifo)

    def _write_fifo_level(self, value: int) -> None:
        if value & FLUSH:
            self._empty_fifo()
            self._registers[ERROR] &= ~BUFFER_OVERFLOW

    def _write_com_irq(self, value: int) -> None:
        if value & SET:
            self._registers[COM_IRQ] |= value & 0x7F
        else:
            self._registers[COM_IRQ] &= ~value

    def _write_div_irq(self, value: int) -> None:
        if value & SET:
            self._registers[DIV_IRQ] |= value & 0x14
        else:
            self._registers[DIV_IRQ] &= ~(value & 0x14)

    def _write_status2(self, value: int) -> None:
        registers = self._registers
        if value & CRYPTO1_ON and not registers[STATUS2] & CRYPTO1_ON:
            self._object("MFCrypto1On is set by MFAuthent only")
        registers[STATUS2] = value & 0xC0 | registers[STATUS2] & value & CRYPTO1_ON

    def _write_bit_framing(self, value: int) -> None:
        before, self._registers[BIT_FRAMING] = self._registers[BIT_FRAMING], value
        if value & START_SEND:
            if self._registers[COMMAND] & 0x0F != TRANSCEIVE:
                self._object("StartSend without Transceive")
            elif before & START_SEND:
                self._object("StartSend is set already: clear it before the next frame")
            else:
                self._send()

    def _write_tx_control(self, value: int) -> None:
        was_on = self._antenna_on
        self._registers[TX_CONTROL] = value
        if self._antenna_on == was_on:
            return
        self._powered_us = self.clock.now_us
        self._selected = False
        for card in self._field:
            if was_on:
                card.power_off()
            else:
                card.power_on(self.clock.now_us)

    def _write_command(self, value: int) -> None:
        command = value & 0x0F
        if command == NO_CHANGE:
            return
        if self.clock.now_us < self._sent_us and command != SOFT_RESET:  # a program that starts anew knows of no frame
            self._object("a command is given while a frame is still on the air")
        self._forget_exchange()
        self._registers[COMMAND] = value & 0x3F
        if command == SOFT_RESET:
            self._power_off()
            self._power_up()
        elif command == CALC_CRC:
            self._registers[CRC_LOW], self._registers[CRC_HIGH] = crc_a(bytes(self._fifo))
            self._empty_fifo()
            self._registers[DIV_IRQ] |= 0x04
        elif command == MF_AUTHENT:
            self._authenticate()
        elif command == TRANSCEIVE:
            if self._registers[BIT_FRAMING] & START_SEND:
                self._object("Transceive while StartSend still stands: whether that sends at once is not documented")
        elif command != IDLE:
            self._object(f"command {command:X} has no virtual twin")

    # -- exchanges

    def _send(self) -> None:
        """Send the FIFO's frame, and work out what will come back and when."""
        now_us, registers = self.clock.now_us, self._registers
        frame, last_bits = bytes(self._fifo), registers[BIT_FRAMING] & 0x07
        self._empty_fifo()
        registers[ERROR] = 0
        self._judge(frame, last_bits)
        self._sent_us = self._tx_us = now_us + air_us(len(frame), last_bits)
        answers = []
        if self._antenna_on and frame:
            enciphered = bool(registers[STATUS2] & CRYPTO1_ON)
            for card in self._field:
                if answer := card.hear(frame, last_bits, enciphered, self._sent_us):
                    answers.append(answer)
                    self._answering.append(card)
        if answers:
            self._answer, self._collision = merged(answers)
            self._rx_us = self._sent_us + self._answer.delay_us
            self._done_us = self._rx_us + air_us(len(self._answer.data), self._answer.last_bits)
        self._start_timer(self._rx_us if answers else NEVER)
        self._next_us = self._tx_us

    def _judge(self, frame: bytes, last_bits: int) -> None:
        """What a driver may send at this moment."""
        if not frame:
            self._object("StartSend with an empty FIFO")
            return
        request = frame[0] in (REQA, WUPA) and len(frame) == 1
        if request != (last_bits == 7) or (last_bits and not request):
            self._object(f"{frame.hex(' ')} sent with TxLastBits {last_bits}")
        if self.clock.now_us < self._powered_us + POWER_UP_US and self._antenna_on:
            self._object("a frame within 5 ms after the field came on: no card can have started yet")
        if request and self._registers[STATUS2] & CRYPTO1_ON:
            self._object("a request while MFCrypto1On stands")
        anticollision = frame[0] in ANTICOLLISION and len(frame) == 2
        if anticollision and frame[1] != 0x20:
            self._object("bitwise anticollision has no virtual twin")
        if not request and not anticollision and frame[-2:] != crc_a(frame[:-2]):
            self._object(f"{frame.hex(' ')} carries a wrong CRC")
        if frame[0] in (0x30, 0xA0) and len(frame) == 4 and not self._selected:
            self._object("READ or WRITE without a selected card")
        if request or frame[0] == 0x50:
            self._selected = False

    def _authenticate(self) -> None:
        order, now_us = bytes(self._fifo), self.clock.now_us
        self._empty_fifo()
        self._registers[ERROR] = 0
        if len(order) != 12 or order[0] not in (0x60, 0x61):
            self._object(f"MFAuthent takes 60 or 61, block, six bytes of key, four of UID: {len(order)} bytes found")
            return
        if not self._selected:
            self._object("MFAuthent without a selected card")
        self._sent_us = self._tx_us = now_us + air_us(4)
        for card in self._field:
            if self._antenna_on and card.state is State.ACTIVE:
                uid4 = order[8:]
                if uid4 != card.uid[-4:]:
                    self._object("MFAuthent names a UID that is not the selected card's last four bytes")
                if card.authenticate(order[0] == 0x61, order[1], order[2:8], uid4):
                    self._answering.append(card)
                    self._rx_us = self._sent_us + 91
                    self._done_us = now_us + AUTHENTICATION_US
        self._start_timer(self._rx_us)
        self._next_us = self._tx_us

    def _start_timer(self, stopped_us: int) -> None:
        """TAuto: the timer starts at the end of the transmission and stops when an answer begins."""
        registers = self._registers
        self._timer_us = NEVER
        if registers[T_MODE] & 0x80:
            prescaler = (registers[T_MODE] & 0x0F) << 8 | registers[T_PRESCALER]
            reload = registers[T_RELOAD_HIGH] << 8 | registers[T_RELOAD_LOW]
            self._timeout_us = round((reload + 1) * (2 * prescaler + 1) / CARRIER_MHZ)
            if self._sent_us + self._timeout_us < stopped_us:
                self._timer_us = self._sent_us + self._timeout_us

    def _settle(self) -> None:
        """Let become true what has become true by now."""
        now_us, registers = self.clock.now_us, self._registers
        if self._tx_us <= now_us:
            registers[COM_IRQ] |= TX_IRQ
            self._tx_us = NEVER
        if self._timer_us <= now_us:
            registers[COM_IRQ] |= TIMER_IRQ
            self._timer_us = NEVER
        if self._done_us <= now_us:
            self._finish()
        self._next_us = min(self._tx_us, self._timer_us, self._done_us)

    def _finish(self) -> None:
        registers, answer = self._registers, self._answer
        self._done_us = NEVER
        self._answering.clear()
        if answer is None:  # MFAuthent
            registers[STATUS2] |= CRYPTO1_ON
            registers[COM_IRQ] |= IDLE_IRQ
            registers[COMMAND] = IDLE
            return
        self._fifo += answer.data
        self._unread = True
        registers[FIFO_LEVEL] = len(self._fifo)
        registers[CONTROL] = registers[CONTROL] & 0xF8 | answer.last_bits
        registers[COM_IRQ] |= RX_IRQ
        if self._collision:
            registers[COLL] = registers[COLL] & 0x80 | self._collision & 0x1F
            self._raise_error(COLLISION)
        elif len(answer.data) == 3:
            self._selected = not answer.data[0] & 0x04 and answer.data[1:] == crc_a(answer.data[:1])
        self._answer = None

    def _cut(self) -> None:
        """A card that was answering, or about to, is gone."""
        registers, now_us = self._registers, self.clock.now_us
        if now_us < self._rx_us:
            self._timer_us = max(now_us, self._sent_us + self._timeout_us) if registers[T_MODE] & 0x80 else NEVER
        else:
            if self._answer is not None:
                registers[COM_IRQ] |= RX_IRQ
            self._raise_error(PARITY if self._answer is not None else PROTOCOL)
        self._answering.clear()
        self._answer = None
        self._rx_us = self._done_us = NEVER
        self._next_us = min(self._tx_us, self._timer_us)

    def _forget_exchange(self) -> None:
        self._tx_us = self._timer_us = self._rx_us = self._done_us = self._next_us = NEVER
        self._sent_us = 0
        self._answer = None
        self._answering.clear()

    # -- power

    @property
    def _antenna_on(self) -> bool:
        return self._registers[TX_CONTROL] & 0x03 == 0x03

    def _power_up(self) -> None:
        self._registers = bytearray(64)
        for register, value in RESET_VALUES.items():
            self._registers[register] = value
        self._registers[VERSION] = self.version
        self._fifo = bytearray()
        self._unread = False
        self._selected = False
        self._powered_us = self.clock.now_us
        self._timeout_us = 0
        self._collision = 0
        self._forget_exchange()

    def _power_off(self) -> None:
        for card in self._field:
            card.power_off()

    def _empty_fifo(self) -> None:
        self._fifo.clear()
        self._unread = False
        self._registers[FIFO_LEVEL] = 0

    def _raise_error(self, error: int) -> None:
        self._registers[ERROR] |= error
        self._registers[COM_IRQ] |= ERR_IRQ

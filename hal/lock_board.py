"""Lockers on lock boards that share one RS-485 line: one question at a time, answers told from the late and the false.

The line is half duplex and its answers carry no number, so an answer belongs to a question only by time and address.
Hence the rules here. After a command the driver listens for as long as an answer may take, and never speaks meanwhile.
A board that stayed silent is not asked again before a late answer would have found nobody waiting. After an unlock
whatever is heard is dropped: it speaks of the relay, and its form is disputed. What is believed of an answer is the
business of `hal.lock_belief`.

Quiet polls keep to a grid of slots, each long enough for a command, the slowest answer (100 ms) or its time-out, and
the pause after it. At the beginning of each slot one board is asked, and which one follows from the time alone; so what
is asked in a quiet time does not depend on what was asked before. A pulse is followed by extra questions to its board
until the door is seen open; where these hold up a question of the grid, it is asked as soon as the line is free.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from hal.bus import SERIAL_TROUBLE, OpenSerial, SerialPort
from hal.clock import Clock, Millis
from hal.contacts import NEVER
from hal.lock_belief import BoardAddress as BoardAddress
from hal.lock_belief import LockBoard
from hal.lock_protocols import LockProtocol, statuses
from hal.pulse_queue import PulseQueue
from hal.seen import NOTHING_MOVED, SCAN_MS, DoorSeen, Health
from hal.standing import Standing

SLOT_MS: Millis = 200
"""A time-out fits in, and the pause after it."""
ANSWER_MS: Millis = 140
"""How long to listen: 17 ms on the wire at 9600 baud, a turnaround of 100 ms, and a scan of 20 ms."""
LATE_MS: Millis = 400
"""A board that did not answer is left alone for so long after the question, for its answer may be late."""
GAP_MS: Millis = 10
"""Between two frames on the bus."""
QUIET_MS: Millis = 50
"""How long a line must have been quiet, after a time-out or unasked bytes, before it is used again."""
BABBLE_MS: Millis = 500
"""A line that will not fall quiet is used all the same after this long."""
REST_MS: Millis = 100
"""Between the end of a pulse and the next one, for boards do not keep time to the millisecond."""
WATCH_MS: Millis = 1_500
"""How long a pulsed board is asked out of turn, unless its door is seen open earlier."""
RETRY_MS: Millis = 2_000
"""Between attempts to open a missing port."""
REOPEN_MS: Millis = 10_000
"""A port on which no board answers any more is opened anew after this long."""
MOST_HEARD = 256
"""Bytes kept of one exchange; no answer is longer than 18."""

_SEVERITY = (Health.OK, Health.REFUSED, Health.GARBLED, Health.SILENT, Health.GONE)
_NO_LINE = "the serial line is missing: check the RS-485 adapter and its plug"
_ECHOES = "the RS-485 adapter echoes what it sends: switch its echo off, or tie its RE to its DE"
_ADVICE = {
    Health.SILENT: "does not answer: check its 12 V and the A/B pair",
    Health.GARBLED: "answers with bytes that do not add up: check the line's speed, its termination, and that no other"
    " board has this address",
}


@dataclass(slots=True)
class _Exchange:
    """A command that has been sent, and what has been heard since."""

    board: LockBoard
    sent: bytes
    sent_at: Millis
    unlock: bool
    heard: bytes = b""
    heard_at: Millis = 0


class LockBoards:
    """The lockers on one line. Channels count from 1 across the boards in the order given.

    `pulse_ms` is how long the boards drive a lock; the next one waits for the end, because the power supply feeds one
    solenoid. Raises ValueError for boards that such a line cannot have.
    """

    def __init__(
        self,
        open_serial: OpenSerial,
        clock: Clock,
        boards: Sequence[BoardAddress],
        protocol: LockProtocol,
        pulse_ms: Millis = 500,
    ) -> None:
        _check(boards, protocol)
        self._open_serial = open_serial
        self._clock = clock
        self._protocol = protocol
        self._pulse_ms = pulse_ms
        self._boards: list[LockBoard] = []
        self._wiring: list[tuple[LockBoard, int]] = []
        for wiring in boards:
            board = LockBoard(wiring, first=len(self._wiring) + 1)
            self._boards.append(board)
            self._wiring += [(board, lock) for lock in range(wiring.locks)]
        self._failing_rounds = -(-LATE_MS // (SLOT_MS * len(boards)))
        """A board that does not answer is asked in each so-manieth round only."""
        self._slot = -1
        """The slot of the last scan: whichever scan is the first of another one gives its board the turn."""
        self._turn: LockBoard | None = None
        """The board whose turn it is in this slot, until it has been asked."""
        self._punctual = False
        """The last question of the grid was asked at the beginning of its slot."""
        self._port: SerialPort | None = None
        self._proven = False
        """Whether any board has answered since the port was opened."""
        self._open_at: Millis = 0
        self._reopen_at: Millis | None = None
        self._exchange: _Exchange | None = None
        self._free_at: Millis = 0
        self._unasked_since: Millis | None = None
        self._echo = Standing(strikes=3, recovery=3)
        self._standings = (self._echo, *(board.standing for board in self._boards))
        self._echo_steady = True
        self._waiting = PulseQueue()
        self._pulse_over_at: Millis = 0

    # -- what the hall asks

    def unlock(self, channel: int) -> None:
        """Pulse this channel's lock once, as soon as line and power supply are free. What waits is not queued twice."""
        if not 1 <= channel <= len(self._wiring):
            raise ValueError(f"channel {channel} is not one of 1 to {len(self._wiring)}")
        self._waiting.ask(channel, self._clock.now())

    def poll(self, now: Millis) -> list[DoorSeen]:
        """One scan: listen, then speak if the line is free. Returns doors read for the first time, or changed."""
        news: list[DoorSeen] = []
        fresh, self._slot = now // SLOT_MS != self._slot, now // SLOT_MS
        try:
            if self._port is None or (self._reopen_at is not None and now >= self._reopen_at and not self._exchange):
                self._open(now)
            if self._port is not None:
                news += self._listen(self._port, now)
                if fresh:
                    self._turn = self._board_of(now)
                if self._exchange is None and now >= self._free_at:
                    self._speak(self._port, now)
        except SERIAL_TROUBLE:
            news += self._lose(now)
        return news

    def due(self, now: Millis, moved: Millis = NOTHING_MOVED) -> Millis:
        """See `hal.seen.Driver.due`."""
        if self._port is None:
            return max(now, self._open_at)
        due = NEVER if self._reopen_at is None else self._reopen_at
        watched = any(board.watched(now) for board in self._boards)
        if self._exchange is not None:
            due = min(due, self._exchange.sent_at + ANSWER_MS)
        elif self._turn is not None or watched:
            due = min(due, self._free_at)
        elif self._waiting:
            due = min(due, max(self._free_at, self._pulse_over_at))
        slot = (now // SLOT_MS + 1) * SLOT_MS
        repeats = (
            self._exchange is None
            and self._turn is None
            and self._free_at <= slot
            and self._punctual
            and self._unasked_since is None
            and self._echo_steady
            and not watched
            and not self._waiting
            and all(self._steady(board, moved) for board in self._boards)
        )
        return max(now, due if repeats else min(due, slot))

    def under_way(self, at: Millis) -> Millis | None:
        """See `hal.seen.Asking.under_way`."""
        began = at - at % SLOT_MS // SCAN_MS * SCAN_MS
        return None if self._port is None or at > began + self._board_of(at).took else began

    def passed_over(self, last: Millis) -> None:
        """See `hal.seen.Asking.passed_over`."""
        self._slot = max(self._slot, last // SLOT_MS)

    def close(self) -> None:
        """Give the line back. Locks are at rest by themselves: a board ends its own pulses."""
        self._drop()
        self._waiting.clear()

    # -- what the technician asks

    @property
    def boards(self) -> Mapping[int, Health]:
        """Health of each board, by its address."""
        return {board.address: board.standing.health for board in self._boards}

    @property
    def health(self) -> Health:
        """The worst of the boards, and of the line that they share."""
        for standing in self._standings:
            if standing.health is not Health.OK:
                return max((each.health for each in self._standings), key=_SEVERITY.index)
        return Health.OK

    @property
    def detail(self) -> str:
        """All that is wrong with the line and its boards, in that order."""
        details = (standing.detail for standing in self._standings)
        return "; ".join(dict.fromkeys(filter(None, details)))

    # -- listening

    def _listen(self, port: SerialPort, now: Millis) -> list[DoorSeen]:
        fresh = port.read(waiting) if (waiting := port.in_waiting) else b""
        exchange = self._exchange
        if exchange is None:
            if fresh:
                self._unasked_since = now if self._unasked_since is None else self._unasked_since
                self._free_at = max(self._free_at, min(now + QUIET_MS, self._unasked_since + BABBLE_MS))
            return []
        if fresh:
            exchange.heard = (exchange.heard + fresh)[-MOST_HEARD:]
            exchange.heard_at = now
        over = now - exchange.sent_at >= ANSWER_MS
        if exchange.unlock:
            if over:
                self._end(now)
            return []
        if not (fresh or over):
            return []
        found, rest = statuses(self._protocol, exchange.heard)
        answer = next((status for status in reversed(found) if status.address == exchange.board.address), None)
        if answer is None and not over:
            return []
        self._end(now)
        noise = rest.replace(exchange.sent, b"")
        echo = self._echo.picture
        if noise != rest:
            self._echo.bad(Health.GARBLED, _ECHOES)
        elif answer is not None or not noise:
            self._echo.good()
        self._echo_steady = self._echo.picture == echo
        board = exchange.board
        if answer is not None:
            self._proven = True
            self._reopen_at = None
            return board.answered(answer)
        kind = Health.GARBLED if noise else Health.SILENT
        which = f"board {self._boards.index(board) + 1} of {len(self._boards)} (address {board.address})"
        news = board.failed(kind, f"{which} {_ADVICE[kind]}")
        if self._reopen_at is None and Health.OK not in self.boards.values():
            self._reopen_at = now + REOPEN_MS
        return news

    def _end(self, now: Millis) -> None:
        """The exchange is over; the line rests, for longer where its last bytes may have been somebody's first."""
        assert self._exchange is not None
        exchange, self._exchange = self._exchange, None
        over = now - exchange.sent_at >= ANSWER_MS
        self._free_at = exchange.heard_at + (QUIET_MS if over else GAP_MS)
        if not exchange.unlock:
            exchange.board.took = max(now, self._free_at - 1) - exchange.sent_at

    # -- speaking

    def _speak(self, port: SerialPort, now: Millis) -> None:
        channel = self._waiting.take(now) if now >= self._pulse_over_at else None
        if channel is not None:
            board, lock = self._wiring[channel - 1]
            board.pulse(lock, now + WATCH_MS)
            self._pulse_over_at = now + self._pulse_ms + REST_MS
            self._send(port, board, self._protocol.unlock(board.address, lock), now, unlock=True)
            return
        turn, self._turn = self._turn, None
        if turn is not None and self._may_be_asked(turn, now):
            self._punctual = now % SLOT_MS < SCAN_MS
            self._send(port, turn, self._protocol.ask(turn.address), now)
            return
        watched = [board for board in self._boards if board.watched(now)]
        if watched:
            board = min(watched, key=lambda board: board.watched_at)
            board.watched_at = now
            self._send(port, board, self._protocol.ask(board.address), now)

    def _board_of(self, at: Millis) -> LockBoard:
        """Whose slot this is."""
        return self._boards[at // SLOT_MS % len(self._boards)]

    def _may_be_asked(self, board: LockBoard, now: Millis) -> bool:
        """Whether a late answer would have found nobody waiting by now."""
        every = self._failing_rounds
        round_of_failing = now // SLOT_MS // len(self._boards) % every == 0
        return not board.failing or (round_of_failing and now - board.asked_at >= LATE_MS)

    def _send(self, port: SerialPort, board: LockBoard, frame: bytes, now: Millis, *, unlock: bool = False) -> None:
        port.reset_input_buffer()
        port.write(frame)
        self._unasked_since = None
        self._exchange = _Exchange(board, frame, now, unlock)
        if not unlock:
            board.asked_at = now

    # -- the port

    def _open(self, now: Millis) -> None:
        """Open the port, anew if need be; raises what pyserial raises."""
        if now < self._open_at:
            return
        self._open_at = now + RETRY_MS
        if self._port is not None:
            self._drop()
            self._reopen_at = now + REOPEN_MS
        self._port = self._open_serial()
        if self.health is Health.GONE:
            self._waiting.clear()  # a door asked for while the line was missing must not open because it is back
        self._proven = False
        self._free_at = now + ANSWER_MS  # a board may still be answering whoever spoke before us
        self._punctual = False

    def _lose(self, now: Millis) -> list[DoorSeen]:
        """The port has died, or cannot be opened. One that had worked is opened again at once: it may have blinked."""
        self._reopen_at = None
        if self._port is not None:
            self._drop()
            if self._proven:
                self._open_at = now
                return []
            self._open_at = now + RETRY_MS
        self._waiting.clear()
        return [door for board in self._boards for door in board.gone(_NO_LINE)]

    def _drop(self) -> None:
        """Give the descriptor back."""
        if self._port is not None:
            with suppress(*SERIAL_TROUBLE):  # its adapter may be gone already; then nothing is left to give back
                self._port.close()
        self._port = None
        self._exchange = None

    @staticmethod
    def _steady(board: LockBoard, moved: Millis) -> bool:
        """Whether one more question to this board would show nothing new."""
        return board.steady and board.standing.health is not Health.GARBLED and board.asked_at > moved


def _check(boards: Sequence[BoardAddress], protocol: LockProtocol) -> None:
    if not boards:
        raise ValueError("a line of lock boards needs at least one board")
    for board in boards:
        if board.address not in protocol.addresses:
            lowest, highest = protocol.addresses[0], protocol.addresses[-1]
            raise ValueError(f"board address {board.address} is not one of {lowest} to {highest}")
        if not 1 <= board.locks <= protocol.most_locks:
            raise ValueError(f"board {board.address} has {board.locks} locks; allowed are 1 to {protocol.most_locks}")
    if len({board.address for board in boards}) < len(boards):
        raise ValueError("two boards on the line have the same address")

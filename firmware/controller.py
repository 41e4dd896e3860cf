"""The scan: read, decide, make durable, move. Always in this order.

While a commit is under way the scan goes on reading and remembers what it read, and decides and moves nothing: a disk
that stalls costs time, never a tap. When a commit fails, the hall is folded again from what is durable, and the same
inputs are decided once more by the rules of a degraded hall: what must happen anyway (fire, exits, collecting) happens
and is remembered, everything else is refused. Nothing here looks at the wall clock to decide.

Whoever asks is answered exactly once: when what was asked is durable or refused, or when the program ends.
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from firmware.api import payloads
from firmware.api.actions import SHOW, CardAwaited, Desk
from firmware.api.views import look
from firmware.core.decide import follow, next_deadline, take
from firmware.core.decision import Refused
from firmware.core.facts import Fact
from firmware.core.inputs import CardsCollided, CardTapped, ContactChanged, Input, Started, StorageBack, StorageFailed
from firmware.core.inputs import Request as Asked
from firmware.core.outputs import outputs_for
from firmware.core.signage import SignText, next_change
from firmware.core.site import ContactUse, Site
from firmware.core.state import Hall
from firmware.ledger import Ledger, Told
from firmware.panel import Panel
from hal.clock import Clock, Millis
from services.marker import Marker
from services.outbox import Cursor
from services.requests import Answer, Request, RequestQueue, refusal
from services.writer import Job

INPUTS_MOST = 5_000
"""Taps and requests that wait for a commit to end; a hall makes a few in a second. Twice as much room is for what the
hall must know: passages, doors, contacts."""
AT_ONCE = 64
"""Inputs that are decided together, so that what they make true fits into one batch of the journal."""
TRY_AGAIN_MS: Millis = 5_000
"""Between two looks at a disk that failed."""
CARD_WAIT_MS: Millis = 1_000
"""How long an officer's action waits for the card to be laid on the desk reader."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Something to decide: an input, and whom to answer if it was asked."""

    happened: Input
    request: Request | None = None


class Controller:
    """One hall: its state, its devices, its journal."""

    def __init__(
        self, *, site: Site, hall: Hall, epoch_ms: Millis, panel: Panel, ledger: Ledger, clock: Clock, marker: Marker
    ) -> None:
        self.site = site
        self.hall = hall
        self.panel = panel
        self.ledger = ledger
        self.requests = RequestQueue()
        self.dropped = 0
        """Inputs that found no room."""
        self.tell: Callable[[Sequence[Told]], None] = lambda told: None
        """Called with facts that have just become durable."""
        self._clock = clock
        self._epoch_ms = epoch_ms
        self._marker = marker
        """Remembers a standing emergency when no journal can."""
        self._desk = Desk(site, panel)
        self._waiting: deque[Waiting] = deque()
        self._held: list[tuple[Request, Millis]] = []
        """Actions that wait for a card, and until when."""
        self._shows: list[Request] = []
        """Looks at the hall that wait until it is true."""
        self._deciding: list[Waiting] = []
        self._told: list[Told] = []
        self._answers: list[tuple[Request, Answer]] = []
        self._deadline: Millis | None = 0
        self._sign_at: Millis | None = 0
        self._moved = False
        self._try_at: Millis = 0
        self._reserved = self._was_full = False
        self._putting: Job[bool] | None = None
        self.today: Callable[[], str] = lambda: ""
        """The site's calendar day, empty while the wall clock is not trusted."""
        self.narrate: Callable[[Sequence[Told]], None] = lambda told: None
        """Called once with each fact, when it has become durable or has happened without that."""
        self.occupancy: Mapping[str, Any] = {}
        """The payload but for its label: what was last certain, also while a commit is under way."""
        self.sign: SignText | None = None
        """What the signs were last told to show."""
        self._note_occupancy()

    @property
    def certain(self) -> bool:
        """Whether the hall is true: no commit is under way that may yet undo some of it."""
        return not self.ledger.busy

    @property
    def now(self) -> Millis:
        """Hall time."""
        return self._epoch_ms + self._clock.now()

    def card_on(self, reader: str) -> str | None:
        """The card that lies on a reader, or lay there a moment ago."""
        return self.panel.card_at(reader, self._clock.now())

    def happen(self, happened: Input) -> None:
        """Something that no device sees: a start, a minute of the day, a clock that was set."""
        self._enqueue(Waiting(happened))

    def scan(self) -> None:
        """Read, decide, make durable, move."""
        now = self._clock.now()
        self._read(now)
        if self.ledger.busy:
            if not self._settled(now):
                return
            self._move(now)  # what has become durable does not wait for what is decided next
        self._decide(now)
        if self.ledger.busy and not self._settled(now):
            return
        self._move(now)

    # -- read

    def _read(self, now: Millis) -> None:
        for happened in self.panel.read(now):
            if self._is_fire(happened):
                self._marker.set()  # before anything is written: the disk may be slow, and the program may be killed
            self._enqueue(Waiting(happened))
        self.hall.unwritten.freed = {lane: self._epoch_ms + at for lane, at in self.panel.freed.items()}
        for request in self.requests.take():
            self._held.append((request, now + CARD_WAIT_MS))
        held, self._held = self._held, []
        for request, until in held:
            if request.action == SHOW:
                self._shows.append(request)
                continue
            try:
                self._enqueue(Waiting(self._desk.read(request, now, self.today()), request))
            except CardAwaited as awaited:
                if now < until:
                    self._held.append((request, until))
                else:
                    request.answer(refusal("no_card", str(awaited)))
            except Refused as refused:
                request.answer(refusal(refused.code, refused.message))
        if not self.ledger.busy:
            self._answer_shows()

    def _answer_shows(self) -> None:
        shows, self._shows = self._shows, []
        for request in shows:
            request.answer(self._show(request))

    def _show(self, request: Request) -> Answer:
        try:
            return {"ok": True, "result": look(request.args, self.hall, self.now)}
        except Refused as refused:
            return refusal(refused.code, refused.message)

    def _enqueue(self, waiting: Waiting) -> None:
        postponable = isinstance(waiting.happened, CardTapped | CardsCollided | Asked)
        if len(self._waiting) < (INPUTS_MOST if postponable else 2 * INPUTS_MOST):
            self._waiting.append(waiting)
        else:
            self.dropped += 1
            if waiting.request:
                waiting.request.answer(refusal("busy", "the disk is too slow at the moment; try again"))

    # -- decide

    def _decide(self, now: Millis) -> None:
        hall_now = self._epoch_ms + now
        due = self._deadline is not None and hall_now >= self._deadline
        if self.ledger.dead:
            self._look_at_disk(now)
        else:
            self._look_at_reserve(now)
        if self.ledger.waiting and not self.ledger.dead:
            self.ledger.catch_up(now)
            return
        if not self._waiting and not due:
            return
        self._deciding = [self._waiting.popleft() for _ in range(min(AT_ONCE, len(self._waiting)))]
        self._told, self._answers = self._fold(self._deciding, now)
        if self._told and not self.ledger.dead:
            self.ledger.commit(self._told, now)
        else:
            self._happened()

    def _fold(self, waiting: Sequence[Waiting], now: Millis) -> tuple[list[Told], list[tuple[Request, Answer]]]:
        at = self._epoch_ms + now
        facts: list[Fact] = []
        answers: list[tuple[Request, Answer]] = []
        for one in waiting:
            if self.ledger.dead and isinstance(one.happened, StorageBack):
                continue  # it could be opened again, and then it did not take what had waited
            answer: Mapping[str, Any]
            try:
                if self.ledger.dead and self._needs_record(one.happened):
                    raise Refused("degraded", "nothing can be recorded at present, so nothing can be done by order")
                decided, result = take(self.hall, self.site, one.happened, at, settle=False)
                facts += decided
                answer = {"ok": True, "result": dict(result or {})}
            except Refused as refused:
                answer = refusal(refused.code, refused.message)
            if one.request:
                answers.append((one.request, answer))
        if not self._waiting:  # all that was seen by now counts before what ends by time
            follow(self.hall, self.site, at, facts)
        self._deadline = next_deadline(self.hall, self.site)
        self._moved = False
        return [Told(fact, at, now) for fact in facts], answers

    def _needs_record(self, happened: Input) -> bool:
        """Whatever a person orders, and the reset by key: what cannot be journaled is not done."""
        if isinstance(happened, ContactChanged):
            return self.site.contacts[happened.contact].use is ContactUse.FIRE_RESET
        return isinstance(happened, Asked)

    # -- make durable

    def _settled(self, now: Millis) -> bool:
        """Whether the commit under way has ended, one way or the other; then the hall is true and may be acted on."""
        durable = self.ledger.settled(now)
        if durable is None:
            return False
        if durable:
            self.narrate(self._told)
            self._told = []
            self.tell(self.ledger.newest)
            self._done()
        else:
            self._degrade(now)
        return True

    def _degrade(self, now: Millis) -> None:
        """Nothing of the commit has happened. Decide the same inputs again, as a degraded hall does.

        A start comes before the trouble that it met, for every boot of the journal begins with it.
        """
        before = self.hall.unwritten
        self.hall = self.ledger.fold_again()
        self.hall.unwritten.moving, self.hall.unwritten.freed = before.moving, before.freed
        starts = [one for one in self._deciding if isinstance(one.happened, Started)]
        others = [one for one in self._deciding if not isinstance(one.happened, Started)]
        self._try_at = now + TRY_AGAIN_MS
        self._told, self._answers = self._fold([*starts, Waiting(StorageFailed(self.ledger.reason)), *others], now)
        self._happened()

    def _happened(self) -> None:
        """What was decided is true though nothing can be written, and will be written first."""
        self.ledger.keep(self._told)
        self.narrate(self._told)
        self._told = []
        self._done()

    def _look_at_disk(self, now: Millis) -> None:
        back = self.ledger.try_again() if now >= self._try_at else None
        if back is None:
            return
        self._try_at = now + TRY_AGAIN_MS
        if back and not self.ledger.on_reserve:
            self._enqueue(Waiting(StorageBack(self.ledger.lost)))

    def _look_at_reserve(self, now: Millis) -> None:
        """Put the reserve aside at the start, and again when a full disk has room: only then is the hall well."""
        if self._putting is not None and self._putting.done:
            self._reserved, self._putting = self._putting.result(), None
            if self._reserved and self._was_full and self.hall.degraded:
                self._enqueue(Waiting(StorageBack(self.ledger.lost)))
        elif self._putting is None and now >= self._try_at and self._wants_reserve:
            self._was_full = self.ledger.on_reserve
            self._try_at = now + TRY_AGAIN_MS
            self._putting = self.ledger.put_aside()

    @property
    def _wants_reserve(self) -> bool:
        return self.ledger.on_reserve or not self._reserved

    def _done(self) -> None:
        """The hall is true again: whoever asked is told how it ended."""
        answers, self._answers = self._answers, []
        self._deciding = []
        self._note_occupancy()
        self._remember_emergency()
        for request, answer in answers:
            request.answer(answer)
        self._answer_shows()

    def _remember_emergency(self) -> None:
        """What stands, and what was seen and is still to be decided, is to outlive the program."""
        if self.hall.emergency:
            if not self._marker.is_set:
                self._marker.set()
        elif self._marker.is_set and not any(self._is_fire(one.happened) for one in self._waiting):
            self._marker.clear()

    def _is_fire(self, happened: Input) -> bool:
        if not isinstance(happened, ContactChanged) or not happened.active:
            return False
        return self.site.contacts[happened.contact].use is ContactUse.FIRE

    def _note_occupancy(self) -> None:
        journal = self.ledger.journal
        self.occupancy = {
            **payloads.occupancy(self.hall), "seq": journal.last_seq, "simulated": journal.origin.simulated,
        }  # fmt: skip

    # -- move

    def _move(self, now: Millis) -> None:
        """A fire that waits to be decided freed the arm by its edge: nothing older locks it, or pulses it."""
        at = self._epoch_ms + now
        if self._moved and (self._sign_at is None or at < self._sign_at):
            return
        outputs = outputs_for(self.hall, self.site, at)
        if any(self._is_fire(one.happened) for one in self._waiting):
            outputs = replace(outputs, released=True, arms={})
        self.panel.move_to(outputs)
        if (sign := next(iter(outputs.signs.values()), None)) != self.sign:
            self.sign = sign
        self._moved = True
        self._sign_at = next_change(self.hall, at)

    @property
    def idle_until(self) -> Millis | None:
        """When this hall next does something by itself, in the daemon's time; None: not before a wire, a request or
        the disk says something new.
        """
        if self._held:
            return self._clock.now()
        if self.ledger.busy:
            return self.ledger.gives_up_at
        if self._waiting or not self._moved or self._putting or (self.ledger.waiting and not self.ledger.dead):
            return self._clock.now()
        moments = [moment - self._epoch_ms for moment in (self._deadline, self._sign_at) if moment is not None]
        if self._wants_reserve or (self.ledger.dead and not self.ledger.reopening):
            moments.append(self._try_at)
        return min(moments, default=None)

    # -- the end

    def stop(self, cursor: Cursor) -> None:
        """Let a commit end, save the hall, answer whoever still waits, put everything at rest."""
        self.ledger.finish()
        if self.ledger.busy:
            self._settled(self._clock.now())
        self.ledger.save(self.hall, cursor)
        for request, _ in self._answers:  # the disk hangs, and with it what they asked for
            request.answer(refusal("no_answer", "the disk does not answer, and the program ends; it may still be done"))
        unheard = [one.request for one in self._waiting if one.request] + [request for request, _ in self._held]
        for request in (*unheard, *self._shows, *self.requests.take()):
            request.answer(refusal("stopping", "the program ends; nothing was done"))
        self.panel.devices.close()

    def abandon(self) -> None:
        """After a fault in the scan: everything at rest, and nothing saved, for the hall may be more than is true."""
        self.panel.devices.close()

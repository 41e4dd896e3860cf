"""The form of a decision: facts one by one, each folded before the rule goes on, then a result; or a refusal.

A rule is a generator. What it yields has become true by the time it goes on, so it may look at the hall again. Whatever
it refuses, it refuses before its first fact.
"""

from collections.abc import Generator, Mapping
from typing import TypeVar

from firmware.core import facts as f
from firmware.core.state import Hall

Result = Mapping[str, object]
"""What a request is answered with."""

Steps = Generator[f.Fact, None, None]
"""Facts, in the order in which they become true."""

Answer = Generator[f.Fact, None, Result]
"""Facts, and in the end what to tell whoever asked."""


TASKS_MOST = 500
"""Open tasks of which each stands for itself."""


class Refused(Exception):
    """A request that the rules do not allow: a code for programs, a sentence for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


T = TypeVar("T")


def known(thing: T | None, code: str, message: str) -> T:
    """`thing`, or a refusal if there is none."""
    if thing is None:
        raise Refused(code, message)
    return thing


def raise_task(
    hall: Hall,
    reason: str,
    *,
    locker: int | None = None,
    visit: str = "",
    card: str = "",
    lane: str = "",
    device: str = "",
) -> Steps:
    """A guard's task, unless the same one is open already.

    On a board that is full, one task of a reason stands for all: a flood must not grow without bound.
    """
    about = (reason, locker, visit, card, lane, device)
    if any((t.reason, t.locker, t.visit, t.card, t.lane, t.device) == about for t in hall.tasks.values()):
        return
    if len(hall.tasks) >= TASKS_MOST and any(task.reason == reason for task in hall.tasks.values()):
        return
    bank = hall.lockers[locker].bank if locker in hall.lockers else None
    yield f.TaskRaised(
        task=f"T-{hall.tasks_raised + 1:06d}", reason=reason, locker=locker, bank=bank,
        visit=visit or None, card=card or None, lane=lane or None, device=device or None,
    )  # fmt: skip


def resolve_tasks(hall: Hall, reasons: set[str], actor: str, *, locker: int | None = None, device: str = "") -> Steps:
    """Close the open tasks of these reasons about this locker or device: what they asked for has happened."""
    for task in list(hall.tasks.values()):
        if task.reason in reasons and task.locker == locker and task.device == device:
            yield f.TaskResolved(task=task.task, reason="done", actor=actor)

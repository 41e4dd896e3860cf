"""Calls into the thread that owns the hall: in order, bounded, and not done once their asker has given up."""

import pytest

from services.calls import AT_ONCE, Calls, TooBusyError


def test_calls_are_run_in_order_by_whoever_serves() -> None:
    calls, done = Calls(), []
    futures = [calls.ask(lambda n=n: done.append(n) or n * n) for n in range(3)]  # type: ignore[func-returns-value, misc]
    assert not done
    assert calls.serve() == 3
    assert done == [0, 1, 2]
    assert [future.result(0) for future in futures] == [0, 1, 4]


def test_an_error_is_the_askers() -> None:
    calls = Calls()
    failing, fine = calls.ask(lambda: 1 // 0), calls.ask(lambda: "fine")
    calls.serve()
    with pytest.raises(ZeroDivisionError):
        failing.result(0)
    assert fine.result(0) == "fine"


def test_who_gave_up_is_not_served() -> None:
    calls, done = Calls(), []
    assert calls.ask(lambda: done.append("too late")).cancel()
    calls.serve()
    assert not done


def test_more_than_can_wait_are_refused() -> None:
    calls = Calls(most=2)
    calls.ask(lambda: None)
    calls.ask(lambda: None)
    with pytest.raises(TooBusyError, match="try again"):
        calls.ask(lambda: None)
    calls.serve()
    calls.ask(lambda: None)


def test_what_is_asked_while_serving_waits_for_the_next_time() -> None:
    calls = Calls()
    calls.ask(lambda: calls.ask(lambda: None))
    assert calls.serve() == 1
    assert calls.serve() == 1
    assert calls.serve() == 0


def test_many_calls_are_spread_over_rounds() -> None:
    calls, done = Calls(), []
    for n in range(2 * AT_ONCE + 1):
        calls.ask(lambda n=n: done.append(n))  # type: ignore[misc]
    assert [calls.serve(), calls.serve(), calls.serve(), calls.serve()] == [AT_ONCE, AT_ONCE, 1, 0]
    assert done == list(range(2 * AT_ONCE + 1))

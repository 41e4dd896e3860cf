"""Positions on their way to browsers: the newest only, encoded once, and a beat while their owner goes round."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest

from services import stream as module
from services.stream import BEAT, Stream, TooManyListenersError

TOPICS = ("display", "desk")


def position(event: bytes) -> Any:
    assert event.startswith(b"data: ")
    assert event.endswith(b"\n\n")
    assert event.count(b"\n") == 2, "one line of data: a line break inside would end it"
    return json.loads(event[len(b"data: ") :])


async def soon(events: AsyncIterator[bytes]) -> bytes:
    return await asyncio.wait_for(anext(events), 5)


async def settle() -> None:
    """Let everything that was rung be heard."""
    await asyncio.sleep(0.02)


async def go_round(stream: Stream) -> None:
    """An owner that is well."""
    while True:
        stream.pause()
        await asyncio.sleep(0.002)


@dataclass
class Watch:
    """Time as a stream sees it where a test says how long a pause has lasted, however busy the machine is."""

    s: float = 0.0

    def monotonic(self) -> float:
        return self.s


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Watch:
    one = Watch()
    monkeypatch.setattr(module, "time", one)
    return one


def play(story: Callable[[Stream], Awaitable[None]], most: int = 10, *, well: bool = True) -> None:
    async def whole() -> None:
        stream = Stream(TOPICS, most)
        owner = asyncio.ensure_future(go_round(stream)) if well else None
        await story(stream)
        if owner is not None:
            owner.cancel()

    asyncio.run(whole())


async def joined(
    stream: Stream, topic: str = "display", until: Callable[[], bool] = lambda: False
) -> tuple[AsyncIterator[bytes], "asyncio.Task[bytes]"]:
    """A browser that listens, and waits for its first event."""
    events = stream.listen(topic, until)
    first = asyncio.ensure_future(soon(events))
    await settle()
    return events, first


def test_who_comes_is_missed_until_something_is_put_down() -> None:
    async def story(stream: Stream) -> None:
        assert not stream.wanted("display")
        assert not stream.missing("display"), "nobody looks"
        _events, first = await joined(stream)
        assert stream.wanted("display")
        assert stream.missing("display")
        assert not stream.wanted("desk")
        stream.put("display", {"n": 1})
        assert not stream.missing("display")
        assert position(await first) == {"n": 1}

    play(story)


def test_who_comes_later_has_the_newest_at_once() -> None:
    async def story(stream: Stream) -> None:
        _one, first = await joined(stream)
        stream.put("display", {"n": 1})
        await first
        stream.put("display", {"n": 2})
        await settle()
        _two, second = await joined(stream)
        assert not stream.missing("display")
        assert position(await second) == {"n": 2}

    play(story)


def test_who_is_slow_gets_the_newest_only_and_delays_nobody() -> None:
    async def story(stream: Stream) -> None:
        slow, first = await joined(stream)
        quick, also_first = await joined(stream)
        stream.put("display", {"n": 0})
        await asyncio.gather(first, also_first)
        seen = []
        for n in range(1, 6):
            stream.put("display", {"n": n})
            seen.append(position(await soon(quick))["n"])
        assert seen == [1, 2, 3, 4, 5]
        assert position(await soon(slow)) == {"n": 5}
        waiting = asyncio.ensure_future(soon(slow))
        await settle()
        assert not waiting.done(), "and nothing twice"
        stream.put("display", {"n": 6})
        assert position(await waiting) == {"n": 6}

    play(story)


def test_a_position_is_encoded_once_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    encoded = []
    real = json.dumps

    def count(value: Any, **how: Any) -> str:
        encoded.append(value)
        return real(value, **how)

    async def story(stream: Stream) -> None:
        browsers = [await joined(stream) for _ in range(50)]
        monkeypatch.setattr(json, "dumps", count)
        stream.put("display", {"n": 1, "text": "K\u00e9\n\u2028"})
        events = await asyncio.gather(*(first for _, first in browsers))
        assert len(encoded) == 1
        assert all(event is events[0] for event in events)
        assert position(events[0]) == {"n": 1, "text": "K\u00e9\n\u2028"}

    play(story, most=50)


def test_topics_do_not_mix() -> None:
    async def story(stream: Stream) -> None:
        _desk, waits = await joined(stream, "desk")
        _display, first = await joined(stream)
        stream.put("display", {"n": 1})
        await first
        assert not waits.done()
        assert stream.listeners == 2
        waits.cancel()

    play(story)


def test_a_beat_tells_that_the_owner_goes_round_and_only_then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BEAT_S", 0.05)
    monkeypatch.setattr(module, "LOOK_S", 0.01)

    async def story(stream: Stream) -> None:
        owner = asyncio.ensure_future(go_round(stream))
        events, first = await joined(stream)
        stream.put("display", {})
        await first
        begun = time.monotonic()
        assert await soon(events) == BEAT
        assert time.monotonic() - begun >= 0.04, "no sooner than it has to"
        owner.cancel()
        silent = asyncio.ensure_future(soon(events))
        await asyncio.sleep(0.2)
        assert not silent.done(), "an owner that stands still has no heart"
        owner = asyncio.ensure_future(go_round(stream))
        assert await silent == BEAT
        owner.cancel()

    play(story, well=False)


def test_browsers_are_served_in_the_owners_pauses_alone(watch: Watch) -> None:
    async def story(stream: Stream) -> None:
        _events, first = await joined(stream)
        watch.s += 2 * module.PAUSE_S
        stream.put("display", {"n": 1})
        await settle()
        assert not first.done(), "the owner may be at work again"
        stream.pause()
        assert position(await first) == {"n": 1}

    play(story, well=False)


def test_what_does_not_fit_into_a_pause_comes_in_the_next_and_everybody_once(watch: Watch) -> None:
    async def story(stream: Stream) -> None:
        got: list[bytes] = []

        async def browse() -> None:
            async for event in stream.listen("display"):
                got.append(event)
                watch.s += 1.5 * module.PAUSE_S  # sending takes longer than the owner's pause

        browsers = [asyncio.ensure_future(browse()) for _ in range(3)]
        await settle()
        stream.put("display", {"n": 1})
        stream.put("display", {"n": 2})
        for served in (1, 2, 3, 3):
            stream.pause()
            await settle()
            assert [position(event)["n"] for event in got] == [2] * served
        for browser in browsers:
            browser.cancel()

    play(story, well=False)


def test_no_more_listen_than_there_is_room_for() -> None:
    async def story(stream: Stream) -> None:
        browsers = [await joined(stream, topic) for topic in ("display", "desk")]
        with pytest.raises(TooManyListenersError, match="too many pages are open"):
            stream.listen("display")
        for _, first in browsers:
            first.cancel()
        await settle()
        assert stream.listeners == 0
        _events, first = await joined(stream)
        assert stream.listeners == 1
        first.cancel()

    play(story, most=2)


def test_places_that_are_kept_for_others_are_theirs() -> None:
    async def story(stream: Stream) -> None:
        taken = [await joined(stream)]
        with pytest.raises(TooManyListenersError):
            stream.listen("display", spare=1)
        taken.append(await joined(stream, "desk"))
        for _, first in taken:
            first.cancel()

    play(story, most=2)


def test_who_goes_is_forgotten_and_leaves_nothing_old_for_the_next() -> None:
    async def story(stream: Stream) -> None:
        events, first = await joined(stream)
        stream.put("display", {"n": 1})
        await first
        await events.aclose()  # type: ignore[attr-defined]
        assert not stream.wanted("display")
        stream.put("display", {"n": 2})
        await settle()
        _later, second = await joined(stream)
        assert stream.missing("display"), "what was put down while nobody looked is old"
        assert not second.done()
        stream.put("display", {"n": 3})
        assert position(await second) == {"n": 3}

    play(story)


def test_a_stream_ends_when_its_reader_may_look_no_more() -> None:
    async def story(stream: Stream) -> None:
        over = asyncio.Event()
        events, first = await joined(stream, until=over.is_set)
        stream.put("display", {"n": 1})
        await first
        over.set()
        stream.put("display", {"n": 2})
        with pytest.raises(StopAsyncIteration):
            await soon(events)
        assert stream.listeners == 0

    play(story)


def test_whoever_may_look_no_more_while_waiting_for_a_pause_is_shown_nothing_more(watch: Watch) -> None:
    async def story(stream: Stream) -> None:
        over = asyncio.Event()
        _events, first = await joined(stream, until=over.is_set)
        stream.put("display", {"n": 1})
        await settle()
        over.set()
        watch.s += 2 * module.PAUSE_S
        stream.pause()
        with pytest.raises(StopAsyncIteration):
            await first
        assert stream.listeners == 0

    play(story, well=False)


def test_the_owner_never_waits_even_where_the_server_has_gone() -> None:
    stream = Stream(TOPICS)

    async def look() -> None:
        _events, first = await joined(stream)
        first.cancel()

    asyncio.run(look())
    for n in range(3):
        stream.put("display", {"n": n})
        stream.pause()
    assert stream.listeners == 0

"""Ears on transports, stopped with their test."""

from collections.abc import Iterator

import pytest

from services.mqtt import Transport
from tests.services.broker_rig import Listen, Listening


@pytest.fixture
def listen() -> Iterator[Listen]:
    """Starts a transport and listens to it; stops it when the test is over."""
    begun: list[Listening] = []

    def begin(transport: Transport) -> Listening:
        begun.append(Listening(transport, begun))
        transport.start()
        return begun[-1]

    yield begin
    for listening in begun:
        listening.transport.stop()

"""The session with a broker, against a real mosquitto: what the central server and the scan would feel."""

import random
from typing import Any

import pytest
from broker_rig import Listen, Mosquitto

from services.mqtt import Connected, Message, MqttSettings, Received, Sent
from services.paho_transport import PahoTransport


def transport_to(broker: Mosquitto, *, will: Message | None = None, **settings: Any) -> PahoTransport:
    quick = {"retry_first_s": 0.02, "retry_most_s": 0.1, "client_id": "besuk-test"}
    return PahoTransport(
        MqttSettings(broker.host, broker.port, **{**quick, **settings}),
        random=random.Random(1).random,
        will=(lambda: will) if will else None,
    )


@pytest.mark.parametrize("version", ["5", "3.1.1"])
def test_messages_arrive_in_order_and_are_answered(mosquitto: Mosquitto, listen: Listen, version: str) -> None:
    hall = listen(transport_to(mosquitto, version=version))
    central = listen(transport_to(mosquitto, version=version, client_id="central", subscriptions=("hall/#",)))
    hall.until(Connected)
    central.until(Connected)

    tokens = [hall.transport.publish("hall/event", b"%d" % n) for n in range(200)]

    assert [central.until(Received) for _ in tokens] == [Received("hall/event", b"%d" % n) for n in range(200)]
    assert [hall.until(Sent).token for _ in tokens] == tokens
    assert all(sent.ok for sent in hall.all(Sent))

"""The session with a broker, against a real mosquitto, as the central server, the scan and the technician feel it."""

import random
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from services.mqtt import Connected, Disconnected, Message, MqttSettings, Received, Sent, Tls, Trouble
from services.paho_transport import EVENTS_MOST, OUTGOING_MOST, PahoTransport
from tests.services.broker_rig import DEADLINE_S, Listen, Listening, MakeMosquitto, Mosquitto, free_port

BOTH = pytest.mark.parametrize("version", ["5", "3.1.1"])


def transport_to(broker: Any, *, will: Message | None = None, **settings: Any) -> PahoTransport:
    quick = {"retry_first_s": 0.02, "retry_most_s": 0.1, "client_id": "besuk-test"}
    return PahoTransport(
        MqttSettings(broker.host, broker.port, **{**quick, **settings}),
        random=random.Random(1).random,
        will=(lambda: will) if will else None,
    )


class Address:
    host = "127.0.0.1"

    def __init__(self, port: int) -> None:
        self.port = port


class Relay:
    """A cable between client and broker that can be cut, or made to swallow everything."""

    host = "127.0.0.1"

    def __init__(self, broker: Mosquitto) -> None:
        self._broker = broker
        self._listener = socket.create_server((self.host, 0))
        self.port: int = self._listener.getsockname()[1]
        self._lines: list[socket.socket] = []
        self.swallowing = False
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        for line in self._lines:
            try:
                line.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue

    def close(self) -> None:
        self.cut()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            far = socket.create_connection((self._broker.host, self._broker.port))
            self._lines += [near, far]
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._carry, args=(source, sink), daemon=True).start()

    def _carry(self, source: socket.socket, sink: socket.socket) -> None:
        with source:
            try:
                while data := source.recv(65_536):
                    if not self.swallowing:
                        sink.sendall(data)
                sink.shutdown(socket.SHUT_RDWR)
            except OSError:
                return


@pytest.fixture
def relay(mosquitto: Mosquitto) -> Iterator[Relay]:
    cable = Relay(mosquitto)
    yield cable
    cable.close()


def central(listen: Listen, broker: Mosquitto, *topics: str) -> Listening:
    ear = listen(transport_to(broker, client_id="central", subscriptions=topics or ("hall/#",)))
    ear.until(Connected)
    return ear


@BOTH
def test_messages_arrive_in_order_and_are_answered(mosquitto: Mosquitto, listen: Listen, version: str) -> None:
    server = central(listen, mosquitto)
    hall = listen(transport_to(mosquitto, version=version))
    hall.until(Connected)

    tokens = [hall.transport.publish("hall/event", b"%d" % n) for n in range(500)]

    assert [server.until(Received) for _ in tokens] == [Received("hall/event", b"%d" % n) for n in range(500)]
    assert [hall.until(Sent).token for _ in tokens] == tokens
    assert all(sent.ok for sent in hall.all(Sent))


def test_a_small_receive_maximum_is_kept_and_everything_arrives(make_mosquitto: MakeMosquitto, listen: Listen) -> None:
    broker = make_mosquitto("max_inflight_messages 3")
    server = central(listen, broker)
    hall = listen(transport_to(broker))
    assert hall.until(Connected).receive_maximum == 3
    for n in range(100):
        hall.transport.publish("hall/event", b"%d" % n)
    assert [server.until(Received).payload for _ in range(100)] == [b"%d" % n for n in range(100)]
    assert hall.all(Disconnected) == []


@BOTH
def test_the_will_is_said_when_the_line_breaks_and_not_at_a_farewell(
    mosquitto: Mosquitto, relay: Relay, listen: Listen, version: str
) -> None:
    server = central(listen, mosquitto)
    hall = listen(transport_to(relay, version=version, will=Message("hall/status", b"lost", retain=True)))
    hall.until(Connected)

    relay.cut()
    assert server.until(Received).payload == b"lost"
    hall.until(Disconnected)
    hall.until(Connected)

    hall.transport.publish("hall/event", b"before")
    hall.transport.stop(Message("hall/status", b"stopped", retain=True))
    assert [server.until(Received).payload for _ in range(2)] == [b"before", b"stopped"]
    late = central(listen, mosquitto)
    assert late.until(Received) == Received("hall/status", b"stopped", retain=True)
    assert server.all(Received)[-1].payload == b"stopped"


def test_the_will_is_made_anew_for_each_connection(mosquitto: Mosquitto, relay: Relay, listen: Listen) -> None:
    server = central(listen, mosquitto)
    times = iter(range(100))
    settings = MqttSettings(relay.host, relay.port, "hall", retry_first_s=0.02)
    hall = listen(PahoTransport(settings, random=lambda: 0.5, will=lambda: Message("hall/status", b"%d" % next(times))))
    for n in range(3):
        hall.until(Connected)
        relay.cut()
        assert server.until(Received).payload == b"%d" % n


def test_a_broker_that_comes_back_is_found_again(mosquitto: Mosquitto, listen: Listen) -> None:
    hall = listen(transport_to(mosquitto, subscriptions=("ack",)))
    hall.until(Connected)
    mosquitto.kill()
    hall.until(Disconnected)
    assert hall.transport.publish("hall/event", b"nobody") is None
    assert hall.until(Trouble).kind == "unreachable"
    mosquitto.start()
    hall.until(Connected)
    central(listen, mosquitto).transport.publish("ack", b"42")
    assert hall.until(Received).payload == b"42"
    assert len(hall.all(Trouble)) == 1


def test_what_was_said_while_we_were_away_is_kept_for_us(mosquitto: Mosquitto, relay: Relay, listen: Listen) -> None:
    hall = listen(transport_to(relay, subscriptions=("command",), retry_first_s=0.3))
    hall.until(Connected)
    server = central(listen, mosquitto)
    relay.cut()
    hall.until(Disconnected)
    server.transport.publish("command", b"capacity.set")
    assert hall.until(Connected).session_present
    assert hall.until(Received) == Received("command", b"capacity.set")


def test_a_wrong_password_is_told_once_and_tried_again_until_it_is_right(
    make_mosquitto: MakeMosquitto, listen: Listen, tmp_path: Path
) -> None:
    def password(word: str) -> None:
        subprocess.run(["mosquitto_passwd", "-b", "-c", passwords, "hall", word], check=True, capture_output=True)

    passwords = tmp_path / "passwords"
    password("rahasia-lain")
    broker = make_mosquitto(f"password_file {passwords}", "user root", anonymous=False)
    hall = listen(transport_to(broker, username="hall", password="rahasia"))
    refused = hall.until(Trouble)
    assert refused.kind == "refused"
    assert refused.text == f"broker 127.0.0.1:{broker.port} refused us: Not authorized"
    until = time.monotonic() + DEADLINE_S
    while broker.log.count("not authorised") < 3:
        assert time.monotonic() < until
        hall.take()
        threading.Event().wait(0.01)
    broker.kill()
    password("rahasia")
    broker.start()
    hall.until(Connected)
    assert [trouble.kind for trouble in hall.all(Trouble)].count("refused") == 1
    assert "rahasia" not in repr(hall.transport.__dict__)


def test_a_denied_topic_is_an_error_under_version_5(
    make_mosquitto: MakeMosquitto, listen: Listen, tmp_path: Path
) -> None:
    rules = tmp_path / "acl"
    rules.write_text("topic readwrite open/#\n")
    broker = make_mosquitto(f"acl_file {rules}", "user root")
    hall = listen(transport_to(broker))
    hall.until(Connected)
    denied = hall.transport.publish("closed/event", b"1")
    allowed = hall.transport.publish("open/event", b"1")
    assert [hall.until(Sent), hall.until(Sent)] == [
        Sent(denied or 0, False, "Not authorized"),
        Sent(allowed or 0, True, "No matching subscribers"),
    ]


def test_a_line_that_swallows_everything_is_dropped_on_demand(
    mosquitto: Mosquitto, relay: Relay, listen: Listen
) -> None:
    hall = listen(transport_to(relay))
    hall.until(Connected)
    relay.swallowing = True
    hall.transport.publish("hall/event", b"into the void")
    hall.transport.reconnect("no answer to publications for 20 s")
    assert hall.until(Disconnected).reason == "no answer to publications for 20 s"
    relay.swallowing = False
    hall.until(Connected)
    assert hall.all(Sent) == []


def test_a_port_that_answers_but_is_no_broker_is_said_so(listen: Listen) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        hall = listen(transport_to(Address(mute.getsockname()[1]), answer_s=0.1))
        trouble = hall.until(Trouble)
        assert (trouble.kind, "does not answer as a broker" in trouble.text) == ("unreachable", True)
        hall.transport.stop()


def test_nobody_there_is_told_once(listen: Listen) -> None:
    port = free_port()
    hall = listen(transport_to(Address(port), retry_first_s=0.001, retry_most_s=0.002))
    assert hall.until(Trouble).text == f"no broker 127.0.0.1:{port}: Connection refused"
    silence = time.monotonic() + 0.1
    while time.monotonic() < silence:
        hall.take()
    assert len(hall.all(Trouble)) == 1


PACKETS = (
    b"\x90\x04\x00\x01\x00\x01",  # SUBACK, and one that refuses
    b"\x90\x04\x00\x01\x00\x87",
    b"\x90\x03\x00\x01\x01",
    b"\x90\x03\x00\x01\x80",
    b"\x40\x02\x00\x01",  # PUBACK, and one that refuses
    b"\x40\x04\x00\x01\x87\x00",
    b"\x30\x0b\x00\x03a/b\x00hello",  # PUBLISH
    b"\x32\x0d\x00\x03a/b\x00\x07\x00hello",
    b"\x30\x0b\x00\x03a\xffb\x00hello",  # its topic is no UTF-8
    b"\xe0\x02\x8e\x00",  # DISCONNECT
    b"\x62\x02\x00\x07",  # PUBREL
)


@BOTH
def test_noise_from_a_broker_never_ends_the_session(listen: Listen, version: str) -> None:
    """Seeded packets, whole and spoiled: whatever comes, the line is dropped and tried again."""
    noise = random.Random(7)
    connack = b"\x20\x03\x00\x00\x00" if version == "5" else b"\x20\x02\x00\x00"
    done = threading.Event()

    def spoil(packet: bytes) -> bytes:
        spoiled = bytearray(packet)
        for _ in range(noise.randrange(3)):
            spoiled[noise.randrange(len(packet))] = noise.getrandbits(8)
        return bytes(spoiled)

    def serve(listener: socket.socket) -> None:
        for n in range(400):
            line, _ = listener.accept()
            with line, suppress(OSError):
                line.settimeout(1)
                line.recv(4096)
                packets = noise.choices(PACKETS, k=3)
                line.sendall(connack * (n % 4 > 0) + b"".join(map(spoil, packets)))
        done.set()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, args=(listener,), daemon=True).start()
        address = Address(listener.getsockname()[1])
        hall = listen(
            transport_to(
                address,
                version=version,
                subscriptions=("a/b",),
                retry_first_s=0.0005,
                retry_most_s=0.001,
                answer_s=0.05,
            )
        )
        until = time.monotonic() + DEADLINE_S
        while not done.wait(0.001):
            hall.take()
            hall.transport.publish("a/b", b"x")
            assert time.monotonic() < until, "the network thread has died"
        hall.transport.stop()
    assert {"garbled", "subscription"} <= {trouble.kind for trouble in hall.all(Trouble)}


def test_what_is_larger_than_the_broker_takes_is_refused_at_home(make_mosquitto: MakeMosquitto, listen: Listen) -> None:
    broker = make_mosquitto("max_packet_size 2000")
    hall = listen(transport_to(broker))
    hall.until(Connected)
    large, small = hall.transport.publish("hall/event", b"x" * 2_000), hall.transport.publish("hall/event", b"x")
    assert hall.until(Sent) == Sent(large or 0, False, "larger than the broker takes")
    assert (hall.until(Sent).token, hall.all(Disconnected)) == (small, [])


def test_a_flood_waits_in_the_broker_not_in_our_memory(make_mosquitto: MakeMosquitto, listen: Listen) -> None:
    broker = make_mosquitto("max_queued_messages 0")
    hall = listen(transport_to(broker, subscriptions=("flood",)))
    hall.until(Connected)
    flooder = listen(transport_to(broker, client_id="flooder"))
    flooder.until(Connected)
    sent = 0
    while sent < 1_500:
        if flooder.transport.publish("flood", b"x" * 1_000) is None:
            flooder.take()
        else:
            sent += 1
    while len(flooder.all(Sent)) < 1_500:
        flooder.until(Sent)
    longest = 0
    while len(hall.all(Received)) < 1_500:
        before = len(hall.events)
        hall.until(Received)
        longest = max(longest, len(hall.events) - before)
    assert longest <= EVENTS_MOST


def test_publishing_faster_than_the_line_is_refused_not_hoarded(
    mosquitto: Mosquitto, relay: Relay, listen: Listen
) -> None:
    hall = listen(transport_to(relay, farewell_s=0.05))
    maximum = hall.until(Connected).receive_maximum
    relay.swallowing = True
    taken = sum(hall.transport.publish("hall/event", b"x") is not None for _ in range(maximum + 2 * OUTGOING_MOST))
    assert taken <= maximum + OUTGOING_MOST


def test_two_controllers_under_one_name_do_not_fight_every_second(mosquitto: Mosquitto, listen: Listen) -> None:
    both = [listen(transport_to(mosquitto, retry_first_s=0.02, retry_most_s=60)) for _ in range(2)]
    until = time.monotonic() + 0.6
    while time.monotonic() < until:
        for each in both:
            each.take()
    assert both[0].all(Disconnected)
    assert sum(len(each.all(Connected)) for each in both) <= 16  # with pauses that did not grow: 40 and more


# -- TLS


def openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An authority, and certificates by it for the broker and for a hall."""
    folder = tmp_path_factory.mktemp("certificates")
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    usage = ("-addext", "keyUsage=critical,keyCertSign,cRLSign")
    openssl(
        folder, "req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=Uji", "-days", "2", *usage
    )
    for name in ("broker", "hall"):
        openssl(folder, "req", *key, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        (folder / "names").write_text(  # what Python 3.13 asks of a certificate, by RFC 5280
            "subjectAltName=IP:127.0.0.1\nauthorityKeyIdentifier=keyid\nsubjectKeyIdentifier=hash\n"
            "basicConstraints=critical,CA:false\nkeyUsage=critical,digitalSignature\n"
        )
        signing = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "names")
        openssl(folder, "x509", "-req", "-in", f"{name}.csr", *signing, "-out", f"{name}.pem")
    return folder


@pytest.fixture
def tls_broker(make_mosquitto: MakeMosquitto, certificates: Path) -> Mosquitto:
    def line(option: str, file: str) -> str:
        return f"{option} {certificates / file}"

    return make_mosquitto(
        line("cafile", "ca.pem"),
        line("certfile", "broker.pem"),
        line("keyfile", "broker.key"),
        "require_certificate true",
        "user root",
    )


@BOTH
def test_events_go_out_over_tls_with_both_ends_certified(
    tls_broker: Mosquitto, certificates: Path, listen: Listen, version: str
) -> None:
    tls = Tls(certificates / "ca.pem", certificates / "hall.pem", certificates / "hall.key")
    hall = listen(transport_to(tls_broker, version=version, tls=tls, subscriptions=("echo",)))
    hall.until(Connected)
    payloads = [bytes([n]) * 30_000 for n in range(20)]
    for payload in payloads:
        hall.transport.publish("echo", payload)
    assert [hall.until(Received).payload for _ in payloads] == payloads


@pytest.mark.parametrize(
    ("tls", "kind", "word"),
    [
        (lambda here: Tls(here / "hall.pem"), "tls", "CERTIFICATE_VERIFY_FAILED"),
        (lambda here: Tls(here / "absent.pem"), "unreachable", "No such file"),
        (lambda here: Tls(here / "ca.pem", here / "hall.pem", here / "broker.key"), "tls", "KEY_VALUES_MISMATCH"),
    ],
    ids=["untrusted", "missing file", "wrong key"],
)
def test_what_is_wrong_with_tls_is_told_once(
    tls_broker: Mosquitto, certificates: Path, listen: Listen, tls: Callable[[Path], Tls], kind: str, word: str
) -> None:
    hall = listen(transport_to(tls_broker, tls=tls(certificates)))
    trouble = hall.until(Trouble)
    assert (trouble.kind, word in trouble.text) == (kind, True), trouble.text


def test_a_certificate_from_the_future_points_at_the_clock(
    make_mosquitto: MakeMosquitto, certificates: Path, listen: Listen, tmp_path: Path
) -> None:
    (tmp_path / "authority.conf").write_text(
        f"[ca]\ndefault_ca=a\n[a]\ndatabase={tmp_path}/index\nnew_certs_dir={tmp_path}\ndefault_md=sha256\n"
        "rand_serial=yes\npolicy=p\n[p]\ncommonName=supplied\n"
    )
    (tmp_path / "index").touch()
    openssl(
        certificates, "ca", "-batch", "-config", str(tmp_path / "authority.conf"), "-in", "broker.csr",
        "-cert", "ca.pem", "-keyfile", "ca.key", "-extfile", "names", "-out", str(tmp_path / "future.pem"),
        "-startdate", "20900101000000Z", "-enddate", "20910101000000Z", "-notext",
    )  # fmt: skip
    broker = make_mosquitto(
        f"certfile {tmp_path / 'future.pem'}", f"keyfile {certificates / 'broker.key'}", "user root"
    )
    hall = listen(transport_to(broker, tls=Tls(certificates / "ca.pem")))
    trouble = hall.until(Trouble)
    assert (trouble.kind, "is this machine's clock right?" in trouble.text) == ("clock", True)

"""A broker of our own for `besuk sim`, so that a desk needs none: rumqttd, as the `iotcore` wheel brings it.

It runs in a child process, bound to loopback. rumqttd gives each version of MQTT a listener and a port of its own, but
most tools speak 3.1.1 unless told otherwise, and nobody should have to know two ports: so the child listens on one,
looks at the version in each CONNECT packet, and passes the connection on. The child says its port when it is ready, and
ends when the pipe to its parent closes: however the parent ends, SIGKILL included.
"""

import asyncio
import importlib.util
import logging
import os
import select
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from contextlib import suppress
from functools import partial

HOST = "127.0.0.1"
START_S = 15.0
STOP_S = 5.0
PROBE_S = 0.02
CONNECT = 0x10  # the first byte of every connection (MQTT 5, 3.1.1)

MISSING = (
    "the embedded broker needs the package `iotcore`: pip install 'besuk[sim]', "
    "or name another broker with --broker HOST:PORT, or do without: --broker none"
)

_CONFIGURATION = """\
id = 0
[router]
id = 0
max_connections = 100
max_outgoing_packet_count = 200
max_segment_size = 104857600
max_segment_count = 10
"""
_LISTENER = """\
[v{version}.1]
name = "v{version}"
listen = "127.0.0.1:{port}"
next_connection_delay_ms = 1
[v{version}.1.connections]
connection_timeout_ms = 60000
max_payload_size = 1048576
max_inflight_count = 100
"""


class EmbeddedBrokerError(Exception):
    """The embedded broker cannot run; the text is for the user."""


class EmbeddedBroker:
    """One broker in a child process."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> tuple[str, int]:
        """Start it and return where it listens, once it does. Raises EmbeddedBrokerError."""
        if importlib.util.find_spec("iotcore") is None:
            raise EmbeddedBrokerError(MISSING)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "sim.embedded_broker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is for the parent, whose farewell still needs a broker
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path)},
        )
        assert self._process.stdout is not None
        ready, _, _ = select.select([self._process.stdout], [], [], START_S)
        port = self._process.stdout.readline() if ready else b""
        if not port:
            self.stop()
            raise EmbeddedBrokerError("the embedded broker does not start; name another with --broker HOST:PORT")
        return HOST, int(port)

    def stop(self) -> None:
        """End it. May be called twice."""
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.close()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None


# -- the child


def main() -> None:
    """The child process: rumqttd on two hidden ports, and one port before them."""
    from iotcore.iotcore import IotCoreBroker

    logging.basicConfig(level=logging.WARNING)
    logging.getLogger("rumqttd").setLevel(logging.CRITICAL)  # it writes ERROR for every packet that it routes
    threading.Thread(target=_end_with_parent, daemon=True).start()

    ports = _free_ports()
    with tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
        file.write(_CONFIGURATION)
        file.writelines(_LISTENER.format(version=version, port=port) for version, port in ports.items())
        file.flush()
        broker = IotCoreBroker(config_path=file.name)
    broker.check_ports()
    threading.Thread(target=broker.run_forever, daemon=True).start()
    asyncio.run(_serve(ports))


def _end_with_parent() -> None:
    try:
        sys.stdin.buffer.read()  # until the parent's end of the pipe closes
    finally:
        os._exit(0)


def _free_ports() -> dict[int, int]:
    """A port for each version of MQTT: 4 is 3.1.1, as its CONNECT packet says it."""
    with socket.create_server((HOST, 0)) as four, socket.create_server((HOST, 0)) as five:
        return {4: four.getsockname()[1], 5: five.getsockname()[1]}


async def _serve(ports: Mapping[int, int]) -> None:
    for port in ports.values():
        await _until_listening(port)
    server = await asyncio.start_server(partial(_pass_on, ports), HOST, 0)
    print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201
    await server.serve_forever()


async def _until_listening(port: int) -> None:
    """The parent's deadline ends this when it takes too long."""
    while True:
        with suppress(OSError):
            _, writer = await asyncio.open_connection(HOST, port)
            writer.close()
            return
        await asyncio.sleep(PROBE_S)


async def _pass_on(ports: Mapping[int, int], reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One client's connection, from its CONNECT packet on."""
    try:
        head, version = await _read_version(reader)
        to_reader, to_writer = await asyncio.open_connection(HOST, ports[5 if version == 5 else 4])
        to_writer.write(head)
        await asyncio.gather(_pump(reader, to_writer), _pump(to_reader, writer))
    except (OSError, EOFError):
        writer.close()


async def _read_version(reader: asyncio.StreamReader) -> tuple[bytes, int]:
    """The start of a CONNECT packet and the protocol level in it (MQTT 5, 3.1.2.2). EOFError when it is none."""
    head = await reader.readexactly(2)
    if head[0] != CONNECT:
        raise EOFError
    while head[-1] & 0x80:  # the remaining length goes on
        head += await reader.readexactly(1)
    head += await reader.readexactly(7)  # "MQTT" with its length, and the level
    return head, head[-1]


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    finally:
        writer.close()


if __name__ == "__main__":
    main()

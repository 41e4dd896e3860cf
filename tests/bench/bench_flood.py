"""What two hundred browsers cost the scan: `python tests/bench/bench_flood.py [PAIRS [BROWSERS]]`.

A live hall with visitors, at the pace of real time, is watched by nobody and by many displays in turn; each time its
last thousand scans (20 s) are from that turn alone. The browsers live in a process of their own. Prints the 99th
percentile of a scan with and without them, pair by pair, and the median of the ratios: at most 1.10 is the aim. How
much happened in a turn shows in its percentile, so that single ratios say little; so does what else runs meanwhile.
"""

import asyncio
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.e2e.sim_process import Process

TURN_S = 24.0
"""More than a thousand scans."""


async def watch(host: str, port: int, told: list[int]) -> None:
    """One display: counts what it is sent, and how many bytes."""
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(f"GET /api/v1/stream HTTP/1.1\r\nhost: {host}\r\naccept: text/event-stream\r\n\r\n".encode())
    while chunk := await reader.read(65_536):
        told[0] += chunk.count(b"data: {\"now\"")
        told[1] += len(chunk)


async def crowd(host: str, port: int, browsers: int) -> None:
    """All of them, until the process is ended. Says what they were sent, once a second."""
    os.nice(19)  # a browser runs on a machine of its own
    told = [0, 0]
    tasks = [asyncio.create_task(watch(host, port, told)) for _ in range(browsers)]
    while True:
        await asyncio.sleep(1)
        ended = sum(task.done() for task in tasks)
        print(json.dumps({"events": told[0], "bytes": told[1], "ended": ended}), flush=True)


def memory_mib(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Turn:
    """A while of the hall's life, and what it cost."""

    def __init__(self, hall: Process) -> None:
        pid = hall.popen.pid
        begun, cpu = time.monotonic(), cpu_s(pid)
        time.sleep(TURN_S)
        self.p99_us: int = hall.hands.health()["scan_p99_us"]
        self.cpu = (cpu_s(pid) - cpu) / (time.monotonic() - begun)
        self.mib = memory_mib(pid)


def watched(hall: Process, browsers: int) -> tuple[Turn, str]:
    """A turn with so many displays, and what they were sent."""
    host, _, port = hall.said["web"].removeprefix("http://").rpartition(":")
    command = [sys.executable, __file__, "--crowd", host, port, str(browsers)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as clients:
        time.sleep(2)
        turn = Turn(hall)
        clients.terminate()
        assert clients.stdout is not None
        last = json.loads(clients.stdout.read().splitlines()[-1])
    assert last["ended"] == 0, "a browser was turned away"
    return turn, f"{last['events'] / browsers / TURN_S:.1f} a second each, {last['bytes'] / TURN_S / 1000:,.0f} kB/s"


def main(pairs: int, browsers: int) -> None:
    with TemporaryDirectory() as folder:
        hall = Process(Path(folder) / "state", "--web", "127.0.0.1:0", "--speed", "1", "--visitors", "1200").ready()
        try:
            print(f"{'':8}{'scan p99 alone':>16}{f'with {browsers}':>14}{'ratio':>8}   CPU alone, with   memory")
            Turn(hall)  # until visitors are about
            alones, withs = [], []
            for n in range(pairs):
                if n % 2:
                    (with_them, sent), alone = watched(hall, browsers), Turn(hall)
                else:
                    alone, (with_them, sent) = Turn(hall), watched(hall, browsers)
                alones.append(alone.p99_us)
                withs.append(with_them.p99_us)
                print(
                    f"pair {n + 1:<3}{alone.p99_us:13,} us{with_them.p99_us:11,} us{withs[-1] / alones[-1]:8.2f}"
                    f"   {alone.cpu:9.0%}, {with_them.cpu:4.0%}   {alone.mib:.0f}, {with_them.mib:.0f} MiB   {sent}",
                    flush=True,
                )
            print(f"mean    {statistics.fmean(alones):13,.0f} us{statistics.fmean(withs):11,.0f} us")
            print(f"median of the ratios: {statistics.median(b / a for a, b in zip(alones, withs, strict=True)):.2f}")
        finally:
            hall.close()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--crowd"]:
        asyncio.run(crowd(sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
    else:
        main(*(int(word) for word in (sys.argv[1:] + ["5", "200"][len(sys.argv) - 1 :])))

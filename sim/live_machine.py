"""The computer of a live hall, with its power switch: what lives and dies with it, and what outlives it.

A power cut takes the daemon without a last word: no checkpoint, no good-bye to the broker, whose part it is to tell the
will. The kernel's pins float, so the arm comes free; readers and signs forget; the fire marker in memory is gone. What
the writer's thread was doing may reach the folder or not, as with a kill, and the journal's recovery sees to it. The
disk of the life before is dead by then: only when its thread has come to rest does another begin, so no two ever write.

The queue of requests outlives the daemons, as those who ask do: whoever waits when the power fails is told so.
"""

import random
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from firmware.boot import assemble
from firmware.config import Config
from firmware.daemon import Daemon
from firmware.machine import card_key
from services.marker import FileMarker
from services.mqtt import Message, MqttSettings, Transport
from services.requests import Request, RequestQueue, refusal
from services.writer import ThreadWriter
from sim import live_broker, live_clock, live_disk
from sim.hall import UnknownThingError, VirtualHall
from sim.mfrc522 import Mfrc522
from sim.world import VirtualWorld
from sim.world_file import Keeper, WorldFirst


@dataclass
class LiveWorld(VirtualWorld):
    """A virtual world whose journal and cards nobody else has."""

    key: bytes = b""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.card_key = self.key

    def new_id(self) -> str:
        return secrets.token_hex(16)


class OpenRequests(RequestQueue):
    """A queue that remembers what was taken from it and is not answered yet. `put` is for all threads."""

    def __init__(self) -> None:
        super().__init__()
        self._open: list[Request] = []

    def take(self) -> list[Request]:
        taken = super().take()
        if taken:
            self._open = [one for one in self._open if not one.future.done()] + taken
        return taken

    def lose(self, why: str) -> None:
        """Tell everybody who waits that there will be no answer."""
        waiting, self._open = [*self._open, *super().take()], []
        for request in waiting:
            if not request.future.done():
                request.answer(refusal("no_answer", why))


class _Storage:
    """What one life of the daemon writes and reads through."""

    def __init__(self, folder: Path, keeper: Keeper) -> None:
        self.disk = live_disk.LiveDisk(folder)
        self.writer = WorldFirst(keeper, ThreadWriter())
        self.reader = ThreadWriter()

    def close(self) -> None:
        """End the threads, as far as the disk lets them."""
        self.writer.close()
        self.reader.close()
        if self.writer.idle:
            self.disk.close()


class LiveMachine:
    """One computer over one folder. Belongs to the hall's thread."""

    daemon: Daemon
    """The one that runs, or ran last; there is none before the first `start`."""

    def __init__(
        self, config: Config, folder: Path, hall: VirtualHall, wall: live_clock.LiveWallClock, keeper: Keeper,
        mqtt: MqttSettings | None, seed: int,
    ) -> None:  # fmt: skip
        """Not switched on yet."""
        self.requests = OpenRequests()
        self.on = False
        self._config = config
        self._folder = folder
        self._hall = hall
        self._wall = wall
        self._keeper = keeper
        self._mqtt = mqtt
        self._seed = seed
        self._marker = FileMarker(folder / "run" / "emergency")
        self._storage: _Storage | None = None
        self._line: live_broker.BrokerLine | None = None

    # -- life

    def start(self) -> None:
        """Switch it on, or give the power back. Raises what `assemble` raises, and OSError while the last write of the
        life before still hangs."""
        if self.on:
            return
        if self._storage is not None:
            self._storage.close()
            if not self._storage.writer.idle:
                raise OSError(None, "the disk still hangs in the last write before the power failed")
        key = card_key(self._folder)
        self._storage = storage = _Storage(self._folder, self._keeper)
        world = LiveWorld(
            self._hall, self._wall, storage.disk, storage.writer, storage.reader, self._transport, self._seed,
            key=key, emergency=self._marker,
        )  # fmt: skip
        try:
            # A fault of the disk waits: a start that hangs in a stall could never be told to end it.
            self.daemon = assemble(self._config, world, self._mqtt)
        except BaseException:
            storage.close()
            raise
        self.daemon.controller.requests = self.requests
        storage.disk.fault(self._hall.faults.get("disk"))
        self.on = True

    def cut(self) -> None:
        """The power fails."""
        if not self.on or self._storage is None:
            return
        self.on = False
        self._storage.disk.die()
        if self._line is not None:
            self._line.die()
            self._line = None
        self._marker.clear()
        self._hall.daemon_died()
        for reader in self._hall.readers.values():
            if isinstance(reader, Mfrc522):
                reader.lose_power()
        for sign in self._hall.signs.values():
            sign.restart()
        self.requests.lose("the power failed; it may have been done")

    def stop(self) -> None:
        """The program ends: the last words to journal and broker."""
        if self.on:
            self._keeper.write()
            self.daemon.stop()
        if self._storage is not None:
            self._storage.close()
        self.requests.lose("the program ends; nothing was done")

    # -- the disk's pace

    @property
    def writing(self) -> bool:
        """Whether the disk works on something that no fault holds up."""
        storage = self._storage
        return self.on and storage is not None and not storage.writer.idle and not storage.disk.stalled

    def end_stall(self) -> None:
        """Nobody is to wait any longer for a flush that a fault holds up."""
        if self._storage is not None:
            self._storage.disk.let_go()

    # -- the hands on disk, clock and line

    @property
    def faults(self) -> Mapping[str, Sequence[str]]:
        """What can go wrong with them."""
        line = {"broker": live_broker.FAULTS} if self._mqtt is not None else {}
        return {"disk": live_disk.FAULTS, "clock": tuple(live_clock.FAULTS), **line}

    def fault(self, device: str, fault: str | None, _much: int = 0) -> None:
        """Begin a fault, or mend it (None). Raises UnknownThingError."""
        known = self.faults.get(device)
        if known is None:
            raise UnknownThingError(f"no device {device!r}")
        if fault is not None and fault not in known:
            raise UnknownThingError(f"{device} has no fault {fault!r}; it has {', '.join(known)}")
        hands: Mapping[str, Callable[[str | None], None]] = {
            "disk": self._fault_disk, "clock": self._wall.fault, "broker": self._fault_line,
        }  # fmt: skip
        hands[device](fault)

    def _fault_disk(self, fault: str | None) -> None:
        if self._storage is not None:
            self._storage.disk.fault(fault)

    def _fault_line(self, fault: str | None) -> None:
        if self._line is not None:
            self._line.fault(fault)

    def _transport(self, settings: MqttSettings, will: Callable[[], Message]) -> Transport:
        self._line = live_broker.BrokerLine(settings, will, random.Random())
        if "broker" in self._hall.faults:
            self._line.fault(self._hall.faults["broker"])
        return self._line

"""The site of the crash stories: small, and with one of everything that a crash may fall into."""

import yaml

from firmware.config import Config

SITE = """
site: rutan-contoh
hall: kunjungan
timezone: Asia/Makassar
capacity: 20
queue: {counters: ["1", "2"], classes: {A: {}, P: {priority: true}}}
lockers:
  banks:
    A: {rs485: {line: /dev/lockers, settings: 19200 8N1, protocol: cu16, closed_reads: 1, content_reads: 1,
        boards: [{address: 0, lockers: 1-8}]}}
    B: {relays: {pulse: 300 ms, shut: closed, lockers: [{locker: 9, lock: 14, door: 15}]}}
gate:
  lanes:
    main: {unlock_in: 22, unlock_out: 23, stop: 24, release: 25, pass_in: 5, pass_out: 6, ready: 13}
readers:
  lockers: {place: locker, bank: A, serial: {line: /dev/reader-a, settings: 9600 8N1}}
  lockers_b: {place: locker, bank: B, serial: {line: /dev/reader-b, settings: 9600 8N1}}
  entry: {place: entry, lane: main, serial: {line: /dev/reader-in, settings: 9600 8N1}}
  exit: {place: exit, lane: main, serial: {line: /dev/reader-out, settings: 9600 8N1}}
contacts:
  fire: {use: fire, pin: 26, rest: closed}
  fire_reset: {use: fire_reset, pin: 27, rest: open}
  ticket: {use: ticket, pin: 12, rest: open, tickets: A}
signs:
  hall: {protocol: alpha, line: /dev/sign, settings: 9600 8N1}
mqtt: {host: localhost}
visits: {length: 12 h}
storage: {reserve: 64 KiB}
"""
SEGMENT_BYTES = 4_000
"""So small that most stories begin a new segment."""


def crash_site() -> Config:
    """The configuration, with segments that are smaller, and kept shorter, than a site may have them."""
    config = Config.model_validate(yaml.safe_load(SITE))
    return config.model_copy(
        update={"storage": config.storage.model_copy(update={"segment": SEGMENT_BYTES, "keep": 0})}
    )

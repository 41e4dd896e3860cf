"""A visit hall with no hardware: virtual chips beneath the drivers, virtual time, disk and broker, and people.

Every virtual device has two faces: the wire, which the unchanged driver sees, and the hand, which a person or a test
uses. The chips are written from data sheets, never from our drivers, and are stricter than the real ones: a protocol
error by a driver raises `WireError` and fails the run.
"""

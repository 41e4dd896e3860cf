"""Shared by every test: the stand-ins for the Pi's own modules, which must be there before `mfrc522` is imported."""

from sim.pi import install

install()

"""The thirty things that must always hold, one class each, in the files of their chapters."""

from sim.invariants.access import ACCESS
from sim.invariants.conduct import CONDUCT
from sim.invariants.data import DATA
from sim.invariants.order import ORDER
from sim.invariants.property import PROPERTY
from sim.invariants.safety import SAFETY
from sim.judge import Invariant

INVARIANTS: tuple[type[Invariant], ...] = (*SAFETY, *PROPERTY, *ACCESS, *ORDER, *DATA, *CONDUCT)
"""All of them."""

"""The hardware abstraction layer: seams to the wires, and one polled driver per device above them.

A driver knows wires and its device's words. It knows nothing of lockers' owners, visitors or queues, and nothing of
simulation: the same driver code runs over a real bus and over a virtual chip. Drivers are small state machines: `poll`
never blocks, never sleeps, and never raises for what a device or a cable does.
"""

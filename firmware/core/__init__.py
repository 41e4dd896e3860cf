"""The rules of the hall: pure values in, pure values out; no I/O, no clock, no randomness, no threads.

An `Input` is something that happened (`inputs`). `decide` turns it into `Fact`s (`facts`), or refuses. Facts are what
has become true; `evolve` folds them into the `Hall` (`state`) and never refuses: what is in the journal has happened.
`outputs_for` says where every lock, arm and sign should stand now. `now` and `at` are hall time: milliseconds that
go on from one start of the daemon to the next (see `facts.HallBooted`).
"""

"""Every crash of every short story, as a command.

    python -m sim.crashes --depth 3 --jobs 2
    python -m sim.crashes --depth 3 --part 1/4          # a quarter of it, for one machine of four
"""

import argparse
import logging
import os
import sys
import time
from collections.abc import Sequence

from rich.console import Console
from rich.progress import Progress, TimeElapsedColumn

from sim import pi
from sim.crashes.explorer import explore
from sim.crashes.stories import ALPHABET


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: 1 when anything is not as it must be."""
    parser = argparse.ArgumentParser(prog="python -m sim.crashes", description="Every crash of every short story.")
    parser.add_argument("--depth", type=int, default=2, help="actions of a story")
    parser.add_argument("--twice", type=int, default=1, help="stories up to here are crashed while coming back, too")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes at a time")
    parser.add_argument("--part", default="1/1", help="2/4: every fourth first action, from the second on")
    parser.add_argument("--first", nargs="*", choices=list(ALPHABET), default=list(ALPHABET), help="first actions")
    options = parser.parse_args(arguments)
    part, parts = map(int, options.part.split("/"))
    names = options.first[part - 1 :: parts]
    logging.disable(logging.CRITICAL)
    begun = time.perf_counter()
    with Progress(*Progress.get_default_columns(), TimeElapsedColumn(), console=Console(stderr=True)) as bar:
        task = bar.add_task("every crash", total=len(names))
        tally = explore(
            names, depth=options.depth, jobs=options.jobs, twice=options.twice,
            on_progress=lambda name, _: bar.update(task, advance=1, description=name),
        )  # fmt: skip
    console = Console(soft_wrap=True, markup=False, highlight=False)
    for wrong in tally.wrong:
        console.print(wrong)
    took = f"{time.perf_counter() - begun:.0f} s, {sum(os.times()[:4]):.0f} s of processors"
    console.print(f"{tally}, in {took}; {len(tally.wrong) or 'nothing'} wrong")
    return 1 if tally.wrong else 0


if __name__ == "__main__":
    pi.install()
    sys.exit(main())

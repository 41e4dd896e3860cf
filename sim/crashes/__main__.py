"""Every crash of every short story, as a command.

    python -m sim.crashes --depth 3 --jobs 2
    python -m sim.crashes --depth 3 --part 1/4          # a quarter of it, for one machine of four
"""

import argparse
import logging
import os
import re
import sys
import time
from collections.abc import Callable, Sequence

from rich.console import Console
from rich.progress import Progress, TimeElapsedColumn

from sim import pi
from sim.crashes.explorer import explore
from sim.crashes.stories import ALPHABET


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: 0 when all is as it must be, 1 when anything is not, 2 for a user's mistake, 130 on Ctrl-C."""
    parser = argparse.ArgumentParser(
        prog="python -m sim.crashes", usage="%(prog)s [OPTION]...", description="Every crash of every short story."
    )
    parser.add_argument("--depth", type=at_least(1), default=2, help="actions of a story")
    parser.add_argument(
        "--twice", type=at_least(0), default=1, help="stories up to here are crashed while coming back, too"
    )
    parser.add_argument("--jobs", type=at_least(1), default=os.cpu_count() or 1, help="processes at a time")
    parser.add_argument(
        "--part", type=part_of, default=(1, 1), metavar="N/OF", help="2/4: each fourth first action, from the second on"
    )
    parser.add_argument("--first", nargs="+", choices=list(ALPHABET), default=list(ALPHABET), help="first actions")
    options = parser.parse_args(arguments)
    part, parts = options.part
    names = options.first[part - 1 :: parts]
    if not names:
        parser.error(f"argument --part: nothing is left for {part}/{parts} of {len(options.first)} first actions")
    logging.disable(logging.CRITICAL)
    begun = time.perf_counter()
    try:
        with Progress(*Progress.get_default_columns(), TimeElapsedColumn(), console=Console(stderr=True)) as bar:
            task = bar.add_task("every crash", total=len(names))
            tally = explore(
                names, depth=options.depth, jobs=options.jobs, twice=options.twice,
                on_progress=lambda name, _: bar.update(task, advance=1, description=name),
            )  # fmt: skip
    except KeyboardInterrupt:
        Console(stderr=True).print("every crash: interrupted")
        return 130
    console = Console(soft_wrap=True, markup=False, highlight=False)
    for wrong in tally.wrong:
        console.print(wrong)
    took = f"{time.perf_counter() - begun:.0f} s, {sum(os.times()[:4]):.0f} s of processors"
    console.print(f"{tally}, in {took}; {len(tally.wrong) or 'nothing'} wrong")
    return 1 if tally.wrong else 0


def at_least(least: int) -> Callable[[str], int]:
    """What reads a whole number from there on."""

    def number(text: str) -> int:
        if not text.isdecimal() or int(text) < least:
            raise argparse.ArgumentTypeError(f"{text!r} is not allowed; a whole number from {least}")
        return int(text)

    return number


def part_of(text: str) -> tuple[int, int]:
    """`2/4` as two numbers."""
    match = re.fullmatch(r"([0-9]{1,3})/([0-9]{1,3})", text)
    if match is None or not 1 <= int(match[1]) <= int(match[2]):
        raise argparse.ArgumentTypeError(f"{text!r} is not allowed; which part of how many, such as 2/4")
    return int(match[1]), int(match[2])


if __name__ == "__main__":
    pi.install()
    sys.exit(main())

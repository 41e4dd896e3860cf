"""Every crash of every short story: exhaustively, not at random.

A story is a few actions of people in a busy hall (`stories`). Each is played to its end once, and at every
moment before and after an effect of the daemon (`effects`) the whole virtual world is forked: the child dies there,
comes back, is judged (`checks`), takes the action up again where the world stands, and must end as the story
ends that nobody interrupted. A fork is an exact copy of disk, doors, clock and program, at the price of some
milliseconds; and what two stories have in common is played once.

A crash is a kill, which keeps the page cache, or a power cut, which keeps any prefix of what was not flushed and any of
the names: each of these outcomes is tried. The program forgets everything in a crash, so two crashes that leave the
same disk, world, books and answers are one: both are counted, and one is played. Likewise the next action of a story
is played after each *different* end that crashes in the one before have led to. While the daemon comes back, in stories
of `twice` actions at most, it is stopped at every effect once more; there, what differs in times alone is the same.
"""

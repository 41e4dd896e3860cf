"""The table of all keys in `docs/configuration.md`, from the models themselves.

`python -m firmware.reference docs/configuration.md` puts it between the two marks in that file.
"""

import sys
from pathlib import Path

from firmware.config import Config
from firmware.explain import keys

BEGIN, END = "<!-- keys -->\n", "<!-- /keys -->\n"


def table() -> str:
    """Markdown, one row for each key."""
    rows = ["| key | allowed | default | meaning |", "|---|---|---|---|"]
    for key in keys(Config):
        default = f"`{key.default}`" if key.default else "must be given"
        rows.append(f"| `{key.path}` | {key.allowed} | {default} | {key.meaning} |")
    return "\n".join(rows) + "\n"


def renewed(text: str) -> str:
    """The document with today's table between its marks."""
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}{table()}{END}{after}"


if __name__ == "__main__":
    document = Path(sys.argv[1])
    document.write_text(renewed(document.read_text(encoding="utf-8")), encoding="utf-8")

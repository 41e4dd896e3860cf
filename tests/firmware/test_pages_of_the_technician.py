"""What a technician reads must be there as written: the keys of the configuration, the files of the installation."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
KEYS = set(re.findall(r"[a-z0-9_]+", " ".join(re.findall(r"^\| `(\S+)` \|", (ROOT / "docs/configuration.md").read_text(
    encoding="utf-8"), re.MULTILINE))))  # fmt: skip
"""Every part of every key; another test holds that page against the program."""
CODE = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "hal").glob("*.py"))
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", sorted((ROOT / "docs" / "devices").glob("*.md")), ids=lambda path: path.name)
def test_a_device_page_names_keys_that_exist(page: Path) -> None:
    words = re.findall(r"`([a-z]+_[a-z_]+)(?:: [^`]*)?`", page.read_text(encoding="utf-8"))
    assert [word for word in words if word not in KEYS and f"def {word}(" not in CODE] == []


def test_what_is_installed_on_a_pi_is_there() -> None:
    copied = set(re.findall(r"\b(systemd/[a-z0-9.-]+|config\.yaml|requirements\.txt) ", README))
    assert copied == {f"systemd/{path.name}" for path in (ROOT / "systemd").iterdir() if path.name != "README.md"} | {
        "config.yaml", "requirements.txt"
    }  # fmt: skip
    assert all((ROOT / name).is_file() for name in copied)


def test_the_unit_starts_and_explains_what_was_installed() -> None:
    unit = (ROOT / "systemd" / "besuk.service").read_text(encoding="utf-8")
    documentation = re.search("^Documentation=file:///opt/besuk/(.*)$", unit, re.MULTILINE)
    assert documentation
    assert (ROOT / documentation[1]).is_file()
    assert "cp -r docs /opt/besuk/" in README
    for path in re.findall(r"/opt/besuk/venv|/etc/besuk/config\.yaml|/etc/besuk/credentials|/var/lib/besuk", unit):
        assert path in README
    assert re.findall("^LoadCredential=(.*):", unit, re.MULTILINE) == ["card-key"]

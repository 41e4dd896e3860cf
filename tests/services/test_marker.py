"""The marker of an emergency: a file that is there or not, and a word in the log where it cannot be written."""

from pathlib import Path

import pytest

from services.marker import FileMarker


def test_a_marker_outlives_whoever_set_it(tmp_path: Path) -> None:
    path = tmp_path / "run" / "emergency"
    FileMarker(path).set()
    assert FileMarker(path).is_set
    FileMarker(path).clear()
    assert not FileMarker(path).is_set


def test_a_marker_that_cannot_be_written_is_told_and_frees_the_arm_all_the_same(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "run").write_text("a file where the folder should be")
    FileMarker(tmp_path / "run" / "emergency").set()
    assert "cannot be written: " in caplog.text


def test_a_marker_that_cannot_be_removed_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "emergency").mkdir()
    FileMarker(tmp_path / "emergency").clear()
    assert "cannot be removed: " in caplog.text

"""What a test needs of the machine that runs it. Where nothing may be skipped (`CI`), what is missing is a failure."""

import os
from typing import NoReturn

import pytest


def missing(reason: str) -> NoReturn:
    """Skip the test by name, or fail it."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)

"""Where data sets lie that are too large for the repository."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def shared_data(name: str) -> Path:
    """Return the folder of a data set, or skip the test.

    Looked for in the folder that ``CAMBER_TEST_DATA`` names, then in ``shared/data`` beside the
    repository or above it.
    """
    named = os.environ.get("CAMBER_TEST_DATA")
    places = [Path(named)] if named else []
    places += [parent / "shared" / "data" for parent in Path(__file__).resolve().parents]
    for place in places:
        if (place / name).is_dir():
            return place / name
    pytest.skip(f"the data set {name} is not here: set CAMBER_TEST_DATA to the folder that has it")

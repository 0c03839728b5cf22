"""Settings every test shares: one thread, reproducible property tests, no user state."""

import os

# Before torch is imported: many small tests on few cores run faster without thread pools.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
import torch
from hypothesis import HealthCheck, settings

# Configuration, not modules with examples: two of one name cannot both be imported for doctests.
collect_ignore_glob = ["conftest.py", "*/conftest.py"]

settings.register_profile(
    "camber",
    deadline=None,
    derandomize=True,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("camber")
torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def _seed() -> None:
    """Give each test the same start; the library itself never touches the global generator."""
    torch.manual_seed(0)

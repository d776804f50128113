"""Settings of all tests."""

from __future__ import annotations

import os

from hypothesis import settings

# No deadlines: a busy machine is no bug. Where CI=true the examples are the same in every run.
settings.register_profile("balloonlab", deadline=None, derandomize=os.environ.get("CI", "").lower() == "true")
settings.load_profile("balloonlab")

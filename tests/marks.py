"""Marks that tests in several folders need."""

import pytest

from fasterapi._trial import supports_own_gil

__all__ = ["OWN_GIL"]

# For tests of interpreters that have a GIL of their own, and of what runs in a pool of such.
OWN_GIL = pytest.mark.skipif(not supports_own_gil(), reason="this Python has no interpreters with a GIL of their own")

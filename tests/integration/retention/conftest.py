"""The world of case exports (tests/integration/case_sync)."""

from tests.integration.case_sync.conftest import world

__all__ = ["world"]

"""What every connector promises, as suites that run over each of them; an outside connector imports the same classes."""

import pytest

pytest.register_assert_rewrite("connectors.cases.contract", "tests.contract.price_reader")

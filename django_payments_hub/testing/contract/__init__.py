"""The parts of the provider contract suite; `provider_contract` and `hub_contract` put them together."""

from __future__ import annotations

from pkgutil import iter_modules

import pytest

# Here, before any of them is imported: so that a failure shows what was compared.
for _part in iter_modules(__path__, f"{__name__}."):
    pytest.register_assert_rewrite(_part.name)

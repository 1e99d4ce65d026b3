"""The second part of the provider contract: the provider behind the hub's services. Needs pytest-django and a database.

```
class TestAcmeInTheHub(HubContract):
    provider = Provider

    @pytest.fixture
    def bench(self, sandbox_process, receiver):
        return AcmeBench(sandbox_process, receiver)
```
"""

from __future__ import annotations

from django_payments_hub.testing.contract.hub import HubBooks
from django_payments_hub.testing.contract.hub_payers import HubPayers
from django_payments_hub.testing.contract.hub_receipts import HubReceipts
from django_payments_hub.testing.contract.hub_refusals import HubRefusals

__all__ = ["HubContract"]


class HubContract(HubBooks, HubRefusals, HubReceipts, HubPayers):
    """Books that agree with the provider's own, whatever is lost, doubled or late."""

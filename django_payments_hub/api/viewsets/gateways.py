"""`/gateways/`: what a customer can pay with now."""

from __future__ import annotations

import logging
from collections.abc import Iterator

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from django_payments_hub.api.contracts import Contract
from django_payments_hub.api.serializers.outputs import GatewayOutput
from django_payments_hub.api.viewsets.base import HubViewSet
from django_payments_hub.exceptions import ConfigurationError
from django_payments_hub.models import ProviderAccount
from django_payments_hub.services import accounts, provider_calls

logger = logging.getLogger("django_payments_hub.api")


class GatewayViewSet(HubViewSet):
    """The active accounts. Open to everybody: nothing here that a payment page does not show."""

    open_to_all = True
    contracts = {"list": Contract(summary="Accounts to pay with", gives={200: GatewayOutput}, plain_list=True)}

    def list(self, request: Request) -> Response:
        return Response({"results": GatewayOutput([*_gateways()], many=True).data})


def _gateways() -> Iterator[dict[str, object]]:
    for account in accounts.payable_accounts():
        try:
            yield _gateway(account.row)
        except ConfigurationError as error:
            logger.warning("The account %s cannot be used: %s", account.row.alias, error.message)


def _gateway(row: ProviderAccount) -> dict[str, object]:
    provider = provider_calls.provider_of(row)
    known = provider.capabilities
    return {
        "account": row.alias,
        "label": row.label or provider.label,
        "provider": row.provider,
        "mode": row.mode,
        "available": row.unhealthy_since is None and (row.paused_until is None or row.paused_until <= timezone.now()),
        "flows": sorted(flow.value for flow in known.flows),
        "save_flows": sorted(flow.value for flow in known.save_flows),
        "setup_flows": sorted(flow.value for flow in known.setup_flows),
        "method_kinds": sorted(kind.value for kind in known.method_kinds),
        "currencies": sorted(known.currencies),
        "capabilities": known.names(),
        "public_values": {name: value for name, value in provider.public_values().items() if value},
    }

"""What the services keep of a payer: of his national id nothing, once the call that needs it is over or in doubt."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from django.apps import apps
from django.core import serializers

from django_payments_hub.domain.statuses import Flow
from django_payments_hub.models import Operation
from django_payments_hub.testing.contract.applies import ON_THE_WIRE, declares, lacks, where
from django_payments_hub.testing.contract.bench import PAYING, Trouble
from django_payments_hub.testing.contract.hub_base import HubContractBase
from django_payments_hub.testing.contract.hub_world import HubWorld

_STRANGER = "35202-7391526-8"


class HubPayers(HubContractBase):
    """Every row of every table is searched for the number."""

    @where(declares("national_id"), ON_THE_WIRE)
    def test_a_national_id_is_kept_nowhere_once_the_call_is_over(self, hub: HubWorld, calling_flow: Flow) -> None:
        hub.begin(calling_flow)
        _is_nowhere(hub.bench.payer().national_id)

    @where(declares("national_id"), ON_THE_WIRE)
    def test_a_national_id_is_kept_nowhere_while_the_call_is_in_doubt(self, hub: HubWorld, calling_flow: Flow) -> None:
        call = hub.bench.calls_of[PAYING[calling_flow]][-1]
        hub.bench.script(Trouble(kind="reset", when="after"), call)
        payment = hub.begin(calling_flow)
        assert Operation.objects.get(payment=payment).in_doubt
        assert "national_id" not in Operation.objects.get(payment=payment).parameters
        _is_nowhere(hub.bench.payer().national_id)

    @where(lacks("national_id"))
    def test_a_national_id_that_no_call_takes_is_not_kept_at_all(self, hub: HubWorld) -> None:
        wish = hub.wish(hub.till.paying_flow())
        hub.create(replace(wish, payer={**wish.payer, "national_id": _STRANGER}))
        assert not [row for row in Operation.objects.all() if row.parameters.get("national_id")]
        _is_nowhere(_STRANGER)


def _is_nowhere(national_id: str) -> None:
    kept = _everything()
    for trace in traces_of(national_id):
        assert trace not in kept


def _everything() -> str:
    """Every row of the hub's tables, without the keys and moments, in which any six digits may be met by chance."""
    rows: list[dict[str, Any]] = []
    for model in apps.get_app_config("payments_hub").get_models():
        rows += json.loads(serializers.serialize("json", model._default_manager.all()))
    return json.dumps([_texts(row["fields"]) for row in rows])


def _texts(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if not name.endswith(("_at", "_until"))}


def traces_of(national_id: str) -> list[str]:
    """The number as it may be found somewhere: whole, without its hyphens, its longer parts, its last six digits."""
    digits = "".join(character for character in national_id if character.isalnum())
    parts = [part for part in national_id.split("-") if len(part) > 5]
    return [trace for trace in (national_id, digits, digits[-6:], *parts) if trace]

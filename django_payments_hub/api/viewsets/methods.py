"""`/methods/`: saved payment methods."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from django_payments_hub.api.contracts import Contract
from django_payments_hub.api.filters import METHOD_FILTERS, filtered
from django_payments_hub.api.new_payments import checked_address, chosen_account
from django_payments_hub.api.outcomes import Told, of_method
from django_payments_hub.api.pagination import page
from django_payments_hub.api.serializers.inputs import NothingInput
from django_payments_hub.api.serializers.methods import (
    SavedMethodChangeInput,
    SavedMethodErrorOutput,
    SavedMethodInput,
    SavedMethodOutput,
    SavedMethodPatchInput,
)
from django_payments_hub.api.viewsets.base import HubViewSet, key_of
from django_payments_hub.domain.statuses import MethodStatus
from django_payments_hub.exceptions import NotAllowed, NotFound
from django_payments_hub.models import PaymentMethod
from django_payments_hub.services import methods
from django_payments_hub.services.methods import Consent, NewMethod, OnCommit

_SAVED = {
    200: SavedMethodOutput,
    202: SavedMethodOutput,
    402: SavedMethodErrorOutput,
    422: SavedMethodErrorOutput,
    502: SavedMethodErrorOutput,
}


class MethodViewSet(HubViewSet):
    """Saved payment methods."""

    contracts = {
        "list": Contract(
            summary="List saved payment methods", gives={200: SavedMethodOutput}, pages=True, filters=METHOD_FILTERS
        ),
        "create": Contract(
            summary="Save a payment method",
            takes=SavedMethodInput,
            gives={201: SavedMethodOutput, **_SAVED},
            once=True,
        ),
        "retrieve": Contract(summary="One saved payment method", gives={200: SavedMethodOutput}),
        "update": Contract(
            summary="Change a saved payment method", takes=SavedMethodChangeInput, gives={200: SavedMethodOutput}
        ),
        "partial_update": Contract(
            summary="Change some of a saved payment method", takes=SavedMethodPatchInput, gives={200: SavedMethodOutput}
        ),
        "destroy": Contract(summary="Let a saved payment method go", gives={204: None}),
        "set_default": Contract(
            summary="Make a saved payment method the default",
            takes=NothingInput,
            gives={200: SavedMethodOutput},
            once=True,
        ),
        "confirm": Contract(summary="Finish saving a payment method", takes=NothingInput, gives=_SAVED, once=True),
    }

    # -- looking -----------------------------------------------------------------------------------------------------

    def list(self, request: Request) -> Response:
        rows = self._visible()
        if "status" not in request.query_params:
            rows = rows.filter(status=MethodStatus.ACTIVE.value)
        return page(request, filtered(rows, request.query_params, METHOD_FILTERS), self._many)

    def retrieve(self, request: Request, method_id: str) -> Response:
        return Response(self.shown(SavedMethodOutput, self._method(method_id)))

    def _many(self, rows: Sequence[PaymentMethod]) -> object:
        return self.shown(SavedMethodOutput, rows, many=True)

    def _visible(self) -> Any:  # noqa: ANN401 - a QuerySet of the policy's making
        words = [status.value for status in methods.VISIBLE]
        return self.policy.visible_methods(self.actor).filter(status__in=words).select_related("account", "user")

    def _method(self, method_id: object, action: str = "view") -> PaymentMethod:
        """The method of this id, or the one a try of this id led to; raises NotFound, NotAllowed."""
        tried = PaymentMethod.objects.select_related("replaced_by").filter(pk=key_of(method_id)).first()
        method = None
        if tried is not None and self.policy.visible_methods(self.actor).filter(pk=tried.pk).exists():
            method = self._visible().filter(pk=methods.resolved(tried).pk).first()
        if method is None:
            raise NotFound("There is no such payment method.")
        if not self.policy.may_with_method(self.actor, action, method):
            raise NotAllowed("You may not do this.")
        return method  # type: ignore[no-any-return]

    # -- saving ------------------------------------------------------------------------------------------------------

    def create(self, request: Request) -> Response:
        data, made = self.body(), list[UUID]()

        def act(on_commit: OnCommit | None) -> PaymentMethod:
            def written(method_id: UUID) -> None:
                made.append(method_id)
                if on_commit is not None:
                    on_commit(method_id)

            wanted = self._wanted(data)
            return self._trying(lambda: methods.save(wanted, on_commit=written))

        def told(method: PaymentMethod) -> Told:
            # One the customer had already was not made by this request.
            return self._told(method, done=201 if method.pk in made else 200)

        return self.once("payment_method", act, partial(self._made, data), told)

    def _made(self, data: dict[str, Any], method_id: UUID) -> PaymentMethod:
        """What the same request made before; who saves for a customer need not be one who looks at his methods."""
        if "customer_id" not in data or not self.policy.may_with_method(self.actor, "save_for_customer"):
            return self._method(method_id)
        tried = PaymentMethod.objects.select_related("account", "user", "replaced_by__account").get(pk=method_id)
        return methods.resolved(tried)

    def _wanted(self, data: dict[str, Any]) -> NewMethod:
        user, actor = self.user, None
        if "customer_id" in data:
            if not self.policy.may_with_method(self.actor, "save_for_customer"):
                raise NotAllowed("You may not do this.")
            user, actor = _customer(data["customer_id"]), self.user
        account = chosen_account(data)
        mode = account.config.mode
        return NewMethod(
            account=account.row.alias,
            user=user,
            actor=actor,
            consent=Consent(**data["consent"]) if "consent" in data else None,
            method_token=data.get("payment_method_token", ""),
            make_default=data["is_default"],
            metadata=data.get("metadata", {}),
            return_url=checked_address(data, "return_url", mode),
            cancel_url=checked_address(data, "cancel_url", mode),
        )

    def confirm(self, request: Request, method_id: str) -> Response:
        return self._once(method_id, "confirm", methods.confirm)

    # -- changing ----------------------------------------------------------------------------------------------------

    def update(self, request: Request, method_id: str) -> Response:
        method, data = self._method(method_id, "change"), self.body()
        return Response(self.shown(SavedMethodOutput, methods.change(method.pk, **data)))

    def partial_update(self, request: Request, method_id: str) -> Response:
        return self.update(request, method_id)

    def set_default(self, request: Request, method_id: str) -> Response:
        return self._once(method_id, "change", methods.set_default)

    def destroy(self, request: Request, method_id: str) -> Response:
        methods.detach(self._method(method_id, "delete").pk)
        return Response(status=204)

    def _once(self, method_id: str, action: str, step: Callable[..., PaymentMethod]) -> Response:
        method = self._method(method_id, action)
        self.body()

        def act(on_commit: OnCommit | None) -> PaymentMethod:
            return self._trying(lambda: step(method.pk, on_commit=on_commit))

        return self.once("payment_method", act, lambda key: self._method(key, action), self._told)

    def _trying(self, start: Callable[[], PaymentMethod]) -> PaymentMethod:
        """Whoever tries cards one after the other is slowed down here as with payments."""
        return self.counting_declines(start, lambda method: of_method(method).status)

    def _told(self, method: PaymentMethod, done: int = 200) -> Told:
        return Told(
            outcome=of_method(method, done=done), resource=self.shown(SavedMethodOutput, method), name="payment_method"
        )


def _customer(text: str) -> AbstractBaseUser:
    """The user of this key; raises NotFound(`unknown_customer`)."""
    try:
        user = get_user_model()._default_manager.filter(pk=text, is_active=True).first()
    except (ValueError, ValidationError):
        user = None
    if user is None:
        raise NotFound("There is no such customer.", code="unknown_customer")
    return user

"""What every endpoint does: look at the request, know who asks, count, act once, answer in one shape."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, ClassVar, TypeVar
from uuid import UUID

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.signals import got_request_exception
from django.db import transaction
from django.http import HttpRequest, HttpResponseBase
from django.utils.log import log_response
from rest_framework import exceptions as drf
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.viewsets import ViewSet

from django_payments_hub.api import idempotency, throttling
from django_payments_hub.api.card_data import find_card_data, holds_card_number
from django_payments_hub.api.contracts import HAS_SPECTACULAR, Contract, ContractSchema
from django_payments_hub.api.errors import CardNumberRefused, problem_of, server_error
from django_payments_hub.api.filters import refuse_filters
from django_payments_hub.api.idempotency import Replay
from django_payments_hub.api.outcomes import Told, of_replay, of_start
from django_payments_hub.api.parsers import JsonOnly, LengthRequired, StrictJSONParser, body_length
from django_payments_hub.api.permissions import Actor, DefaultAccessPolicy, access_policy
from django_payments_hub.exceptions import NotAllowed, NotFound
from django_payments_hub.models import Payment
from django_payments_hub.services.payments import OnCommit

GUEST_HEADER = "X-Order-Token"
_SAFE = ("GET", "HEAD", "OPTIONS")
_OWN_PAGES = ("none", "same-origin")

_Row = TypeVar("_Row")
View = Callable[..., HttpResponseBase]


def _is_filled_in(request: Request) -> bool:
    """Whether the type is a word of `runserver`'s own, which names one where the client named none."""
    is_development_server = str(request.META.get("SERVER_SOFTWARE", "")).startswith("WSGIServer/")
    return is_development_server and request.content_type == "text/plain"


class HubViewSet(ViewSet):
    """Base of the API's endpoints. Authentication is the project's; the rest of DRF's defaults is not used."""

    renderer_classes = [JSONRenderer]
    parser_classes = [StrictJSONParser]
    permission_classes = []
    throttle_classes = []
    versioning_class = None
    metadata_class = None
    content_negotiation_class = JsonOnly
    if HAS_SPECTACULAR:
        schema = ContractSchema()

    contracts: ClassVar[Mapping[str, Contract]] = {}
    open_to_all: ClassVar[bool] = False

    # -- before ------------------------------------------------------------------------------------------------------

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        if self.action not in self.contracts:
            raise drf.MethodNotAllowed(str(request.method))
        self._refuse_cards_in_address(request)
        self._refuse_other_bodies(request)
        request.accepted_renderer, request.accepted_media_type = self.perform_content_negotiation(request, force=True)
        self._authenticate(request)
        self._count(request)
        if not (self.open_to_all or self.actor.is_known):
            raise drf.NotAuthenticated
        if not self.contract.pages:
            refuse_filters(request.query_params)

    @property
    def contract(self) -> Contract:
        """What this endpoint takes and gives."""
        return self.contracts[self.action or ""]

    def _refuse_cards_in_address(self, request: Request) -> None:
        texts = [request.path, *request.headers.get(GUEST_HEADER, "").splitlines()]
        texts += request.headers.get(idempotency.HEADER, "").splitlines()
        texts += [text for name, values in request.query_params.lists() for text in (name, *values)]
        if any(map(holds_card_number, texts)):
            raise CardNumberRefused("A card number stands in the address or in a header.")

    def _refuse_other_bodies(self, request: Request) -> None:
        """Only JSON, even where the body is empty: a form on a stranger's page can send none.

        The browser adds Basic credentials it remembers, which no CSRF token guards. A script on such a page can leave
        the type away; the browser then says where it comes from (w3.org/TR/fetch-metadata).
        """
        length = body_length(request.META)
        if not length and request._request.read(1):
            raise LengthRequired  # HTTP/2 has bodies without a length and without Transfer-Encoding
        if request.method in _SAFE and not length:
            return
        bare = not length and (not request.content_type or _is_filled_in(request))
        if bare and request.headers.get("Sec-Fetch-Site", "none") in _OWN_PAGES:
            return
        if JsonOnly().select_parser(request, [StrictJSONParser()]) is None:
            raise drf.UnsupportedMediaType(request.content_type[:100])

    def _authenticate(self, request: Request) -> None:
        """Counts before it asks for a password, so that guessing one is counted too."""
        throttling.count(throttling.ADDRESS, self.address)
        throttling.refuse_if_spent(throttling.LOGINS, self.address)
        try:
            self.perform_authentication(request)
        except drf.AuthenticationFailed:
            throttling.note(throttling.LOGINS, self.address)
            raise

    def _count(self, request: Request) -> None:
        user_id = self.actor.user_id
        if request.method in ("GET", "HEAD"):
            throttling.count(throttling.READ, self._who)
        else:
            throttling.count(throttling.WRITE if user_id is not None else throttling.ANONYMOUS, self._who)

    @cached_property
    def address(self) -> str:
        """Where the request comes from, as throttles count it."""
        return f"address:{throttling.address_of(self.request)}"

    @property
    def _who(self) -> str:
        return self.address if self.actor.user_id is None else f"user:{self.actor.user_id}"

    def trying(self, start: Callable[[], Payment]) -> Payment:
        """Try to pay, counting what is declined."""
        return self.counting_declines(start, lambda payment: of_start(payment).status)

    def counting_declines(self, start: Callable[[], _Row], status_of: Callable[[_Row], int]) -> _Row:
        """Try a card, unless this user, or this address, was declined too often: so a thief sorts stolen cards."""
        tellers = {self._who, self.address}
        for who in tellers:
            throttling.refuse_if_spent(throttling.DECLINES, who)
        row = start()
        if status_of(row) == 402:
            for who in tellers:
                throttling.note(throttling.DECLINES, who)
        return row

    # -- who and what ------------------------------------------------------------------------------------------------

    @property
    def policy(self) -> DefaultAccessPolicy:
        """The project's access policy."""
        return access_policy()

    @cached_property
    def actor(self) -> Actor:
        """Who asks."""
        user = self.request.user
        known = user if isinstance(user, AbstractBaseUser) and user.is_authenticated else None
        return Actor(user=known, guest_token=self.request.headers.get(GUEST_HEADER, ""))

    @property
    def principal(self) -> str:
        """Whose idempotency keys are used."""
        if self.actor.user is not None:
            return f"user:{self.actor.user_id}"
        return f"guest:{self.actor.guest_token_hash}"

    def body(self) -> dict[str, Any]:
        """The checked body; raises for anything that is not as the contract says."""
        data = self.request.data
        if (path := find_card_data(data)) is not None:
            where = ".".join(map(str, path)) or "the body"
            raise CardNumberRefused(f"Card data stands in {where[:100]}; use the provider's token.")
        if self.contract.takes is None:
            raise TypeError(f"{self.action} takes no body")
        serializer = self.contract.takes(data=data)
        serializer.is_valid(raise_exception=True)
        checked: dict[str, Any] = serializer.validated_data
        return checked

    def visible_payment(self, payment_id: object) -> Payment:
        """The payment of this id; raises NotFound for one the actor does not see, like for one that is not there."""
        rows = self.policy.visible_payments(self.actor).select_related("account", "order_ref")
        payment = rows.filter(pk=key_of(payment_id)).first()
        if payment is None:
            raise NotFound("There is no such payment.")
        return payment

    def allow(self, action: str, payment: Payment | None) -> None:
        """Raises NotAllowed when the policy says no."""
        if not self.policy.may(self.actor, action, payment):
            raise NotAllowed("You may not do this.")

    def payment_for(self, payment_id: object, action: str) -> Payment:
        """A payment with which the actor may do this."""
        payment = self.visible_payment(payment_id)
        self.allow(action, payment)
        return payment

    @property
    def user(self) -> AbstractBaseUser:
        """Who asks, where a guest may not; raises NotAllowed for one."""
        if self.actor.user is None:
            raise NotAllowed("You may not do this.")
        return self.actor.user

    def refuse_own(self, payment: Payment) -> None:
        """Nobody vouches for money of his own, not with the token of his order as a guest either."""
        if self.policy.is_payer(self.actor, payment):
            raise NotAllowed("Nobody may vouch for a payment of his own.", code="own_payment")

    # -- answering ---------------------------------------------------------------------------------------------------

    def shown(self, serializer: type[Serializer[Any]], row: object, *, many: bool = False) -> object:
        """A row, or several, as this actor sees them."""
        return serializer(row, many=many, context={"policy": self.policy, "actor": self.actor}).data

    def once(
        self,
        resource_type: str,
        act: Callable[[OnCommit | None], _Row],
        read: Callable[[UUID], _Row],
        render: Callable[[_Row], Told],
    ) -> Response:
        """Act, and answer; under an Idempotency-Key act once, and answer a repetition with what was made.

        Args:
            act: makes or moves something, and calls what it is given inside the transaction that does it.
            read: what was made, as far as the actor may still see it.
        """
        key = idempotency.checked_key(self.request.headers.get(idempotency.HEADER))
        if key is None:
            return render(act(None)).response()
        claim = idempotency.claim(self._scope(key), resource_type)
        if isinstance(claim, Replay):
            return self._replayed(claim, render(read(claim.resource_id)))
        try:
            told = render(act(claim.attach))
        except BaseException:
            claim.release()
            raise
        claim.finish(told.outcome.status, told.outcome.problem.code if told.outcome.problem else "")
        return told.response()

    def _scope(self, key: str) -> idempotency.Scope:
        return idempotency.Scope(
            principal=self.principal,
            endpoint=f"{type(self).__name__}.{self.action}",
            key=key,
            fingerprint=idempotency.fingerprint(self.request.path, self.request.data),
        )

    def _replayed(self, replay: Replay, now: Told) -> Response:
        """The resource is shown as it is now."""
        outcome = of_replay(replay.status_code, replay.error_code, now.outcome)
        response = dataclasses.replace(now, outcome=outcome).response()
        response.headers[idempotency.REPLAYED] = "true"
        return response

    # -- when it goes wrong ------------------------------------------------------------------------------------------

    def handle_exception(self, exc: Exception) -> Response:
        """Every exception as an answer in the API's shape; a bug is logged and reported as Django would."""
        if isinstance(exc, drf.NotAuthenticated | drf.AuthenticationFailed):
            exc.status_code = 401
            exc.auth_header = self._challenge()  # type: ignore[union-attr]
        problem = problem_of(exc)
        if problem is None:
            return self._server_error(exc)
        response = problem.response()
        if isinstance(exc, CardNumberRefused):
            response._has_been_logged = True  # type: ignore[attr-defined]  # Django would log the address
        response.exception = True
        return response

    def _challenge(self) -> str:
        """A scheme for 401, as the project's first authentication class names it."""
        return self.get_authenticate_header(self.request) or "Session"

    def _server_error(self, exc: Exception) -> Response:
        request: HttpRequest = self.request._request
        got_request_exception.send(sender=type(self), request=request)
        response = server_error().response()
        log_response("API error: %s", request.path, response=response, request=request, exception=exc)
        return response

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        finished = super().finalize_response(request, response, *args, **kwargs)
        finished.headers["Cache-Control"] = "no-store"
        return finished


def endpoint(viewset: type[HubViewSet], **actions: str) -> View:
    """The view for these verbs, outside ATOMIC_REQUESTS: no transaction may be open while a provider is asked (I6)."""
    view: View = viewset.as_view(dict(actions))
    for alias in settings.DATABASES:
        view = transaction.non_atomic_requests(using=alias)(view)
    return view


def key_of(text: object) -> UUID:
    """An id from an address or a body; raises NotFound for anything else."""
    try:
        return text if isinstance(text, UUID) else UUID(str(text))
    except ValueError:
        raise NotFound("There is no such thing here.") from None

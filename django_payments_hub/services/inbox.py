"""The inbox: file a notification, answer, and apply it later.

Filing is one INSERT; a duplicate is answered like the first (I9, I10). What cannot be applied yet is tried again.
"""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from uuid import UUID

from django.db import IntegrityError, connections, router
from django.utils import timezone

from django_payments_hub import dispatch
from django_payments_hub.conf import hub_settings
from django_payments_hub.domain.statuses import InboxState, Source, Verdict
from django_payments_hub.exceptions import HubError, MalformedNotice, ProviderError
from django_payments_hub.failpoints import reach
from django_payments_hub.models import WebhookEvent
from django_payments_hub.provider_kit.types import Acknowledgement, DisputeFact, Fact, LookUp, PaymentFact, RefundFact
from django_payments_hub.services import accounts, facts, method_calls, provider_calls
from django_payments_hub.services.books import Told
from django_payments_hub.services.claims import EXHAUSTED, claim_due, next_try
from django_payments_hub.services.events import drain_while

logger = logging.getLogger("django_payments_hub.inbox")

_BATCH = 50
_LEASE_S = 120
# What lets a browser pay or act for the merchant is not kept; null, so that no parser takes a mask for the secret.
_SECRET_VALUE = re.compile(r'("(?:client_secret|secret)"\s*:\s*)"[^"]*"')
# PostgreSQL cannot keep NUL, and nothing can encode half a surrogate pair.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")

# States by how bad they are: a notice with several facts is filed under its worst.
_VERDICT_STATE = {
    Verdict.APPLIED: InboxState.PROCESSED,
    Verdict.DUPLICATE: InboxState.PROCESSED,
    Verdict.STALE: InboxState.PROCESSED,
    Verdict.UNMATCHED: InboxState.UNMATCHED,
    Verdict.MISMATCH: InboxState.QUARANTINED,
}


def receive(account: accounts.Account, body: bytes, headers: Mapping[str, str]) -> Acknowledgement:
    """Verify the raw bytes, file them and give the provider's own acknowledgement. Headers by lower-case name.

    Raises:
        InvalidSignature, VerificationUnavailable, MalformedNotice: nothing was filed.
    """
    provider = provider_calls.provider_of(account.row)
    provider.require("webhooks")
    provider.verify_webhook(body, headers, now=time.time())
    payload, text = _read_payload(body)
    notice = provider.identify_notice(payload, body)
    if _UNSTORABLE.search(notice.event_id + notice.event_type):
        raise MalformedNotice("The event's id or type cannot be stored.")
    event = WebhookEvent(
        account=account.row,
        event_id=notice.event_id[:255],
        event_type=notice.event_type[:120],
        body=_without_secrets(payload, text, provider.notice_secrets),
    )
    _file(event)
    reach("inbox.after_insert")
    return provider.acknowledge(None)


def _without_secrets(payload: dict[str, object], text: str, names: frozenset[str]) -> str:
    """The notice as it is kept: without what nobody may read there again."""
    if names:
        text = json.dumps(_nulled(payload, names))
    return _SECRET_VALUE.sub(r"\1null", text)


def _nulled(value: object, names: frozenset[str]) -> object:
    if isinstance(value, dict):
        return {key: None if key in names else _nulled(item, names) for key, item in value.items()}
    return [_nulled(item, names) for item in value] if isinstance(value, list) else value


def _read_payload(body: bytes) -> tuple[dict[str, object], str]:
    try:
        text = body.decode()
        payload = json.loads(text)
    except (ValueError, RecursionError):
        raise MalformedNotice("The body is no JSON.") from None
    if not isinstance(payload, dict):
        raise MalformedNotice("The body is no JSON object.")
    return payload, text


def _file(event: WebhookEvent) -> None:
    """One INSERT; on a duplicate one SELECT more. Not `ignore_conflicts`, which on MariaDB hides other errors."""
    try:
        _insert(event)
    except IntegrityError:
        if not WebhookEvent.objects.filter(account_id=event.account_id, event_id=event.event_id).exists():
            raise
        return
    dispatch.wake(dispatch.INBOX)


def _insert(event: WebhookEvent) -> None:
    """`save(force_insert=True)` without what only other models need of it, at two thirds of its CPU time."""
    alias = router.db_for_write(WebhookEvent, instance=event)
    connection, fields = connections[alias], WebhookEvent._meta.concrete_fields
    values = [field.get_db_prep_save(getattr(event, field.attname), connection) for field in fields]
    with connection.cursor() as cursor:
        cursor.execute(_insert_statement(alias), values)


@cache
def _insert_statement(alias: str) -> str:
    quote, fields = connections[alias].ops.quote_name, WebhookEvent._meta.concrete_fields
    columns, places = ", ".join(quote(str(field.column)) for field in fields), ", ".join(["%s"] * len(fields))
    return f"INSERT INTO {quote(WebhookEvent._meta.db_table)} ({columns}) VALUES ({places})"  # noqa: S608 - names only


def process_due(*, limit: int = _BATCH) -> int:
    """Apply due notifications; returns how many were taken."""
    taken = claim_due(
        WebhookEvent.objects.select_related("account"),
        limit=limit,
        lease_s=_LEASE_S,
        max_tries=hub_settings().inbox_max_tries,
        given_up={"state": InboxState.FAILED.value, "error_code": EXHAUSTED},
    )
    for event in taken:
        process(event)
    return len(taken)


def drain(*, stay_s: float = 0.0) -> int:
    """Apply until nothing is due, then stay `stay_s` after the last one; returns how many."""
    return drain_while(process_due, stay_s=stay_s)


def replay(event_id: UUID) -> None:
    """Make a notification due again, whatever became of it; applying it twice has no second effect."""
    WebhookEvent.objects.filter(pk=event_id).update(
        state=InboxState.RECEIVED.value, tries=0, next_attempt_at=timezone.now(), error_code=""
    )
    dispatch.wake(dispatch.INBOX)


def process(event: WebhookEvent) -> InboxState:
    """Apply one claimed notification; no failure loses the row."""
    try:
        verdicts = _apply(event)
    except MalformedNotice as error:
        return _close(event, InboxState.FAILED, error_code=error.code)
    except ProviderError as error:
        return _try_again(event, InboxState.RECEIVED, error.code)
    except HubError as error:
        logger.exception("Webhook event %s cannot be applied.", event.pk)
        return _try_again(event, InboxState.RECEIVED, error.code)
    except Exception as error:
        logger.exception("Webhook event %s cannot be applied.", event.pk)
        return _try_again(event, InboxState.RECEIVED, type(error).__name__)
    return _file_under(event, verdicts)


def _apply(event: WebhookEvent) -> list[Verdict]:
    provider = provider_calls.provider_of(event.account)
    payload, _ = _read_payload(event.body.encode())
    told = provider.parse_webhook(payload)
    if any(isinstance(fact, DisputeFact) for fact in told):
        provider.require("disputes")
    verdicts = [_apply_fact(event, fact) for fact in told]
    return [verdict for verdict in verdicts if verdict is not None]


def _apply_fact(event: WebhookEvent, fact: Fact) -> Verdict | None:
    """The verdict; None for what turns out to be none of the hub's."""
    if isinstance(fact, LookUp) and fact.provider_method_id:
        return method_calls.look_at_kept(event.account, fact)
    if isinstance(fact, LookUp):
        return provider_calls.ask_by_name(event.account, fact, source=Source.WEBHOOK, webhook_event_id=event.pk)
    if isinstance(fact, PaymentFact | RefundFact) and fact.hearsay and facts.is_news(fact, event.account):
        return _apply_fact(event, _question(fact))
    if isinstance(fact, DisputeFact):
        named = _named(event, fact)
        if named is None:
            return None
        fact = named
    told = Told(source=Source.WEBHOOK, account=event.account, webhook_event_id=event.pk)
    return facts.apply(fact, event.account, told)


def _question(fact: PaymentFact | RefundFact) -> LookUp:
    if isinstance(fact, RefundFact):
        return LookUp(reference=fact.payment_reference, provider_payment_id=fact.provider_payment_id)
    return LookUp(
        reference=fact.reference,
        provider_payment_id=fact.provider_payment_id,
        provider_session_id=fact.provider_session_id,
    )


def _named(event: WebhookEvent, fact: DisputeFact) -> DisputeFact | None:
    """The dispute under a name the hub knows its payment by; unlike a payment's, its news can be asked for nowhere."""
    if fact.payment_reference or facts.find_payment(fact, event.account) is not None:
        return fact
    named = provider_calls.resolve(event.account, LookUp(provider_payment_id=fact.provider_payment_id))
    if named is None:
        return None
    return replace(fact, payment_reference=named.reference, provider_payment_id=named.provider_payment_id)


def _file_under(event: WebhookEvent, verdicts: list[Verdict]) -> InboxState:
    if not verdicts:
        return _close(event, InboxState.IGNORED)
    worst = max(verdicts, key=list(_VERDICT_STATE).index)
    state = _VERDICT_STATE[worst]
    if state is InboxState.UNMATCHED:
        return _try_again(event, state, "unmatched", verdict=worst)
    return _close(event, state, verdict=verdicts[0] if len(set(verdicts)) == 1 else worst)


def _close(
    event: WebhookEvent, state: InboxState, *, verdict: Verdict | None = None, error_code: str = ""
) -> InboxState:
    WebhookEvent.objects.filter(pk=event.pk).update(
        state=state.value,
        verdict=verdict.value if verdict else "",
        next_attempt_at=None,
        processed_at=timezone.now(),
        error_code=error_code[:60],
    )
    return state


def _try_again(
    event: WebhookEvent, state: InboxState, error_code: str, *, verdict: Verdict | None = None
) -> InboxState:
    due = next_try(event.tries, hub_settings().inbox_max_tries)
    if due is None and state is InboxState.RECEIVED:
        state = InboxState.FAILED
    WebhookEvent.objects.filter(pk=event.pk).update(
        state=state.value,
        verdict=verdict.value if verdict else "",
        next_attempt_at=due,
        error_code=error_code[:60],
    )
    return state

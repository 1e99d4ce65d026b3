"""The IPN: a GET of the address registered in the portal, which names another one to ask. Nothing in it is signed."""

from urllib.parse import quote

from django_payments_hub.sandbox.delivery import Notice
from django_payments_hub.sandbox.easypaisa.account import Store
from django_payments_hub.sandbox.wire import Json


def outgoing(store: Store) -> list[Notice]:
    """The notices of the events just recorded; the caller holds the state lock."""
    return [notice for event in store.take_outbox() for notice in notices(store, event)]


def notices(store: Store, event: Json) -> list[Notice]:
    """The notice of an event; none for a store that has registered no address."""
    if not store.ipn_url:
        return []
    asked = f"{store.base_url}/easypay-service/rest/v1/order-status/{store.account_num}/{event['about']['id']}"
    return [
        Notice(
            account=store.id,
            event_id=event["id"],
            type=event["type"],
            endpoint_id=store.id,
            url=f"{store.ipn_url}{'&' if '?' in store.ipn_url else '?'}url={quote(asked, safe='')}",
            method="GET",
            body=b"",
            sign=lambda _body, _timestamp: {},
            queue=store.ipn_url,
        )
    ]

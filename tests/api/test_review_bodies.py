"""Bodies that would be read as empty, lengths that are none, and forms of strangers (S15)."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import pytest

from django_payments_hub.models import Refund
from tests.api.client import JSON, ROOT, Answer, Api, answer
from tests.services.world import make_order

VISA = "pm_card_visa"
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def refund(api, customer, staff) -> Callable[..., Answer]:
    """Ask for a refund of a paid payment, with these values of the server's environment."""
    paid = api.post(body={"order_id": str(make_order(user=customer).pk), "payment_method_token": VISA})
    finance = Api(staff("finance"), crash=False)

    def ask(body: bytes = b"", content_type: str = JSON, **environ: Any) -> Answer:
        path = f"{ROOT}{paid.body['id']}/refund/"
        return answer(finance.client.generic("POST", path, body, content_type=content_type, **environ))

    return ask


def chunked(body: bytes) -> dict[str, Any]:
    """What gunicorn tells of a body in chunks."""
    return {"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input": io.BytesIO(body), "wsgi.input_terminated": True}


def refused(result: Answer, status: int, code: str) -> None:
    assert (result.status, result.code) == (status, code)
    assert result.body["error_message"]
    assert not Refund.objects.exists()


@pytest.mark.parametrize("more", [{}, {"CONTENT_LENGTH": "18", "CONTENT_TYPE": JSON}, {"CONTENT_LENGTH": "0"}], ids=str)
def test_a_part_in_chunks_does_not_become_a_full_refund(refund, more) -> None:
    body = json.dumps({"amount": "1.00"}).encode()
    refused(refund(**chunked(body), **more), 411, "length_required")


def test_a_body_without_any_length_is_refused(refund, monkeypatch) -> None:
    # what an ASGI server gives of an HTTP/2 request without a length: the body is there, no header tells
    monkeypatch.setattr("django.core.handlers.wsgi.LimitedStream", lambda stream, limit: stream)
    refused(refund(**{"wsgi.input": io.BytesIO(b'{"amount": "1.00"}')}), 411, "length_required")


@pytest.mark.parametrize("length", ["abc", "-5", "9" * 5000, "\u0663", "1e3", "+5", " ", "0x10"], ids=ascii)
def test_a_length_that_is_none(refund, length) -> None:
    refused(refund(b'{"amount": "1.00"}', CONTENT_LENGTH=length), 400, "invalid_request")


def test_a_length_over_the_cap_is_too_large(refund) -> None:
    refused(refund(b"{}", CONTENT_LENGTH="9" * 15), 413, "body_too_large")


# What Django's development server says of a request that says nothing.
FILLED_IN = {"CONTENT_TYPE": "text/plain", "SERVER_SOFTWARE": "WSGIServer/0.2"}


@pytest.mark.parametrize("arrived", [b"", b"{}", b" "])
def test_a_body_that_ends_too_early_is_not_an_empty_one(refund, arrived) -> None:
    short = {"CONTENT_LENGTH": "18", "CONTENT_TYPE": JSON, "wsgi.input": io.BytesIO(arrived)}
    refused(refund(**short), 400, "malformed_json")


@pytest.mark.parametrize("kind", [FORM, "multipart/form-data; boundary=x", "text/plain", "text/plain; charset=utf-8"])
@pytest.mark.parametrize("length", ["", "0"])
def test_a_form_without_a_body_is_refused(refund, kind, length) -> None:
    refused(refund(CONTENT_TYPE=kind, CONTENT_LENGTH=length), 415, "unsupported_media_type")


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_script_of_another_origin_cannot_leave_the_type_away(refund, site) -> None:
    refused(refund(HTTP_SEC_FETCH_SITE=site), 415, "unsupported_media_type")
    refused(refund(HTTP_SEC_FETCH_SITE=site, **FILLED_IN), 415, "unsupported_media_type")


@pytest.mark.parametrize(
    "environ",
    [{}, {"CONTENT_LENGTH": ""}, {"CONTENT_LENGTH": "0"}, {"CONTENT_TYPE": JSON, "CONTENT_LENGTH": "0"},
     FILLED_IN, {"HTTP_SEC_FETCH_SITE": "same-origin"}, {"HTTP_SEC_FETCH_SITE": "cross-site", "CONTENT_TYPE": JSON}],
    ids=str,
)  # fmt: skip
def test_a_post_without_a_body_stays_allowed(refund, environ) -> None:
    assert refund(**environ).status == 202


def test_a_get_may_name_any_type(api) -> None:
    # wsgiref, which Django's development server is made of, says text/plain where nothing is said
    assert answer(api.client.get(ROOT, CONTENT_TYPE="text/plain")).status == 200


@pytest.mark.parametrize("moment", ["9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00"])
@pytest.mark.parametrize("name", ["created_after", "created_before"])
@pytest.mark.parametrize("path", ["", "refunds/"])
def test_a_moment_beyond_the_calendar_cannot_be_read(customer, path, name, moment) -> None:
    result = Api(customer, crash=False).get(path, **{name: moment})
    assert (result.status, result.code) == (400, "invalid_filter")

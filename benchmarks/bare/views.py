"""A webhook endpoint as a tutorial writes it: verify Stripe's signature, insert one row, answer 200."""

from __future__ import annotations

import hashlib
import hmac
import json
import time

from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from benchmarks.bare.models import BareNotice

_INSERT = "INSERT INTO bare_barenotice (event_id, body, received_at) VALUES (%s, %s, %s)"


def _is_signed(request: HttpRequest) -> bool:
    parts = dict(part.split("=", 1) for part in request.headers.get("Stripe-Signature", "").split(","))
    signed = parts["t"].encode() + b"." + request.body
    expected = hmac.new(settings.WEBHOOK_SECRET.encode(), signed, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected, parts["v1"]) and abs(time.time() - int(parts["t"])) < 300


@csrf_exempt
def file_with_orm(request: HttpRequest) -> HttpResponse:
    """One row through a model."""
    if not _is_signed(request):
        return HttpResponse(status=400)
    body = request.body.decode()
    BareNotice.objects.create(event_id=json.loads(body)["id"], body=body)
    return HttpResponse()


@csrf_exempt
def file_with_sql(request: HttpRequest) -> HttpResponse:
    """The same by a hand-written statement, which few would write: the lower bound of what Django costs."""
    if not _is_signed(request):
        return HttpResponse(status=400)
    body = request.body.decode()
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, [json.loads(body)["id"], body, timezone.now()])
    return HttpResponse()

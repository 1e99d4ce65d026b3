"""The page that posts a form to a provider: by a script of its own file, or by its button where scripts are off.

It holds secrets, so nothing keeps it: no cache, no frame, no referrer with its address, and no script but ours.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from django.http import HttpResponse
from django.template.loader import render_to_string
from django.templatetags.static import static

from django_payments_hub.conf import hub_settings
from django_payments_hub.models import Payment
from django_payments_hub.provider_kit.types import HostedForm

_HOST = re.compile(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?", re.ASCII)


def page(form: HostedForm, payment: Payment) -> HttpResponse:
    """The page with this form."""
    script = static("payments_hub/form.js")
    context = {"url": form.url, "fields": list(form.fields.items()), "script": script}
    response = HttpResponse(render_to_string("payments_hub/form.html", context))
    response.headers["Content-Security-Policy"] = _policy(form.url, payment.return_url, script)
    response.headers["Referrer-Policy"] = "strict-origin"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def _policy(target: str, return_url: str, script: str) -> str:
    """Browsers hold also what the form's answer redirects to against `form-action`: the ways back are named, too."""
    scripts = _origins(script) or ["'self'"]
    ends = _origins(target, hub_settings().public_url, return_url)
    return (
        f"default-src 'none'; script-src {' '.join(scripts)}; form-action {' '.join(ends)}; "
        "base-uri 'none'; frame-ancestors 'none'"
    )


def _origins(*urls: str) -> list[str]:
    """The origins of these addresses; what is no plain ASCII host could end the policy, and is left out."""
    return list(dict.fromkeys(origin for url in urls if (origin := _origin(url))))


def _origin(url: str) -> str:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return ""
    if parts.scheme not in ("http", "https") or not _HOST.fullmatch(host):
        return ""
    return f"{parts.scheme}://{host}" + (f":{port}" if port else "")

"""A browser just able to post a form and say where it is sent, for the hosted pages that begin with one."""

from __future__ import annotations

import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Page:
    """An answer as a browser gets it; ``location`` is where it leads to, "" when it stays."""

    status: int
    html: str
    location: str


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        """Follow nothing."""


def post_form(url: str, fields: Mapping[str, str], *, timeout_s: float = 10.0) -> Page:
    """Post a form; no redirect is followed."""
    request = urllib.request.Request(url, urllib.parse.urlencode(fields).encode(), method="POST")
    try:
        answer = urllib.request.build_opener(_NoRedirect).open(request, timeout=timeout_s)
    except urllib.error.HTTPError as error:
        answer = error
    with answer:
        location = urllib.parse.urljoin(url, answer.headers["Location"] or "") if answer.headers["Location"] else ""
        return Page(status=answer.status, html=answer.read().decode("utf-8", "replace"), location=location)

"""A browser just able to read a page, post its form and say where it was sent."""

import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass


@dataclass(frozen=True)
class Page:
    status: int
    html: str
    location: str | None


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args, **kwargs):
        return None


def visit(url: str | None, form: dict[str, str] | None = None) -> Page:
    """Open a page, or post its form; follows nothing."""
    assert url is not None
    return fetch(url, None if form is None else urllib.parse.urlencode(form).encode())


def fetch(url: str, data: bytes | None = None, headers: dict[str, str] | None = None) -> Page:
    request = urllib.request.Request(url, data, headers or {})
    try:
        answer = urllib.request.build_opener(_NoRedirect).open(request, timeout=5)
    except urllib.error.HTTPError as error:
        answer = error
    with answer:
        return Page(answer.status, answer.read().decode(), answer.headers["Location"])

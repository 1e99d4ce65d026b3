"""The hosted pages' templates."""

from collections.abc import Mapping
from pathlib import Path

from jinja2 import Environment, FileSystemLoader
from werkzeug.wrappers import Response

_TEMPLATES = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True)


def render(template: str, status: int, **context: object) -> Response:
    """A page."""
    html = _TEMPLATES.get_template(template).render(**context)
    return Response(html, status, {"Cache-Control": "no-store"}, content_type="text/html; charset=utf-8")


def return_form(url: str, fields: Mapping[str, object]) -> Response:
    """A page that posts these fields elsewhere by itself."""
    return render("return.html", 200, url=url, fields=fields)

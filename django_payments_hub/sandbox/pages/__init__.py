"""The hosted pages' templates."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader
from werkzeug.wrappers import Response

_TEMPLATES = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True)


def render(template: str, status: int, **context: object) -> Response:
    """A page."""
    html = _TEMPLATES.get_template(template).render(**context)
    return Response(html, status, {"Cache-Control": "no-store"}, content_type="text/html; charset=utf-8")

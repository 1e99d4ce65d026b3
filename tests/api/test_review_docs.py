"""The page of the API's documentation loads nothing from elsewhere."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from django.contrib.staticfiles import finders
from django.test import Client

from tests.conventions.sources import run_python

WITHOUT = """
import django
from example_project import settings as known
known.INSTALLED_APPS.remove("drf_spectacular_sidecar")
django.setup()
from django.urls import NoReverseMatch, reverse
print(reverse("payments_hub:schema"))
try:
    print(reverse("payments_hub:docs"))
except NoReverseMatch:
    print("none")
"""


def test_every_file_of_the_page_is_one_of_ours(db: None, settings) -> None:
    # given a project that has set another place for the scripts
    settings.SPECTACULAR_SETTINGS = {"SWAGGER_UI_DIST": "https://cdn.example.com"}
    page = Client().get("/api/payments/docs/").content.decode()
    loaded = re.findall(r'<(?:script|link)[^>]+(?:src|href)="([^"]+)"', page)
    assert len(loaded) >= 3
    assert {urlsplit(address).netloc for address in loaded} == {""}
    assert "://" not in page.replace("://testserver", "")
    # and each is there
    found = [finders.find(address.removeprefix(settings.STATIC_URL)) for address in loaded]
    assert all(found), dict(zip(loaded, found, strict=True))


def test_without_the_scripts_there_is_no_page() -> None:
    found = run_python(WITHOUT, DJANGO_SETTINGS_MODULE="example_project.settings")
    assert found == ["/api/payments/schema/", "none"]

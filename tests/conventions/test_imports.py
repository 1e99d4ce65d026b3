"""What an import costs: the package alone loads nothing, Django with the hub loads no provider's SDK."""

from tests.conventions.sources import run_python

SDKS = {"stripe", "square", "paypalrestsdk"}

IMPORT_PACKAGE = """
import sys
before = set(sys.modules)
import django_payments_hub
print(*sorted(set(sys.modules) - before), sep="\\n")
"""

SET_UP_DJANGO = """
import sys
import django
django.setup()
from django.urls import get_resolver
assert get_resolver().url_patterns
print(*sorted(sys.modules), sep="\\n")
"""


def test_the_package_itself_imports_nothing() -> None:
    assert run_python(IMPORT_PACKAGE) == ["django_payments_hub"]


def test_apps_models_and_urls_load_no_sdk() -> None:
    loaded = run_python(SET_UP_DJANGO, DJANGO_SETTINGS_MODULE="example_project.settings")
    assert {"django_payments_hub.apps", "django_payments_hub.models", "django_payments_hub.urls"} <= set(loaded)
    assert SDKS.intersection(loaded) == set()

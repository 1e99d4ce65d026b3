"""The project's Celery app."""

import os

from celery import Celery
from kombu.transport import TRANSPORT_ALIASES

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "example_project.settings")

# By its alias, not by Celery's `broker_transport`, which would outweigh the scheme of any other broker's URL.
TRANSPORT_ALIASES["filesystem"] = "example_project.broker:Transport"

app = Celery("example_project")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

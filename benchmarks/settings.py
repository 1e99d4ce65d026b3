"""Settings of the benchmarks: the example project's, on PostgreSQL, with little middleware and a queue of their own.

Both web servers that are compared use this module and differ in nothing.
"""

import os

os.environ.setdefault("SECRET_KEY", "benchmarks-only-0123456789-abcdefghijklmnopqrstuvwxyz-0123456789")

from example_project.settings import *  # noqa: F403
from example_project.settings import INSTALLED_APPS as _APPS
from example_project.settings import PAYMENTS_HUB as _HUB

DEBUG = False
SECURE_SSL_REDIRECT = False
ALLOWED_HOSTS = ["127.0.0.1", "testserver"]
ROOT_URLCONF = "benchmarks.urls"
INSTALLED_APPS = [*(app for app in _APPS if app != "django.contrib.admin"), "benchmarks.bare"]
MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]  # writes the Content-Length
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

QUEUE = "payments-hub-benchmarks"
WEBHOOK_SECRET = "whsec_benchmarks"
PAYMENTS_HUB = {
    **_HUB,
    "PUBLIC_URL": "http://testserver",
    "RETURN_HOSTS": ["testserver"],
    "TASK_QUEUE": QUEUE,
    # A limit on requests is not what is measured.
    "THROTTLES": dict.fromkeys(
        ("payments_read", "payments_write", "payments_order", "payments_anonymous"), "1000000/min"
    ),
    "ACCOUNTS": {"stripe": {**_HUB["ACCOUNTS"]["stripe"], "WEBHOOK_SECRETS": [WEBHOOK_SECRET]}},
}

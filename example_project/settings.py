"""Settings of the demo shop, from the environment; with DEBUG everything has a default that needs no service.

`DATABASE_URL` and `CELERY_BROKER_URL` switch to PostgreSQL or MariaDB and to Redis or RabbitMQ.
"""

from pathlib import Path

import environ
from django.core.exceptions import ImproperlyConfigured

from django_payments_hub.conf import beat_schedule

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()

VAR_DIR = env.path("VAR_DIR", default=str(BASE_DIR / "var"))
Path(VAR_DIR).mkdir(parents=True, exist_ok=True)

DEBUG = env.bool("DEBUG", default=True)


def _secret(name: str, *, demo: str) -> str:
    """A secret from the environment. The demo's own is published: it stands in under DEBUG alone."""
    value = str(env.str(name, default=demo if DEBUG else ""))
    if not value:
        raise ImproperlyConfigured(f"{name} must be set in the environment: only with DEBUG does the demo's stand in.")
    return value


SECRET_KEY = _secret("SECRET_KEY", demo="a-demo-key-that-no-real-project-uses-0123456789-abcdefghij")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "testserver"])
PUBLIC_URL = env.str("PUBLIC_URL", default="http://127.0.0.1:8000")
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_payments_hub",
    "example_project.shop",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "example_project.shop.middleware.ContentSecurityPolicy",
]

ROOT_URLCONF = "example_project.urls"
WSGI_APPLICATION = "example_project.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

DATABASES = {"default": env.db_url("DATABASE_URL", default=f"sqlite:///{VAR_DIR}/shop.sqlite3")}
_engine = DATABASES["default"]["ENGINE"]
_options = DATABASES["default"].setdefault("OPTIONS", {})
if _engine.endswith("sqlite3"):
    # Django drops select_for_update on SQLite: only IMMEDIATE transactions keep writers apart.
    _options.update(transaction_mode="IMMEDIATE", timeout=20)
    _options["init_command"] = "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
elif _engine.endswith("mysql"):
    _options.update(charset="utf8mb4", init_command="SET sql_mode='STRICT_TRANS_TABLES', innodb_strict_mode=1")
    DATABASES["default"]["CONN_MAX_AGE"] = 60
else:
    DATABASES["default"]["CONN_MAX_AGE"] = 60

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
STATIC_URL = "static/"
STATIC_ROOT = str(Path(VAR_DIR) / "static")
LOGIN_URL = "shop:login"
LOGIN_REDIRECT_URL = LOGOUT_REDIRECT_URL = "shop:products"

if not DEBUG:
    SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=True)
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT
    SECURE_HSTS_SECONDS = 3600

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "rest_framework.authentication.SessionAuthentication",
        "rest_framework.authentication.BasicAuthentication",
    ],
}

# -- Celery -----------------------------------------------------------------------------------------------------------

CELERY_BROKER_URL = env.str("CELERY_BROKER_URL", default="filesystem://")
if CELERY_BROKER_URL.startswith("filesystem"):
    _queue_dir = Path(VAR_DIR) / "queue"
    for _name in ("messages", "processed", "control"):
        (_queue_dir / _name).mkdir(parents=True, exist_ok=True)
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(_queue_dir / "messages"),
        "data_folder_out": str(_queue_dir / "messages"),
        "processed_folder": str(_queue_dir / "processed"),
        "control_folder": str(_queue_dir / "control"),
        "polling_interval": 0.1,
    }
elif CELERY_BROKER_URL.startswith("redis"):
    CELERY_BROKER_TRANSPORT_OPTIONS = {"socket_connect_timeout": 0.5, "socket_timeout": 5, "visibility_timeout": 3600}
else:
    CELERY_BROKER_TRANSPORT_OPTIONS = {"connect_timeout": 0.5}
CELERY_TASK_DEFAULT_QUEUE = env.str("CELERY_TASK_DEFAULT_QUEUE", default="celery")
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
SWEEP_INTERVAL_S = env.int("PAYMENTS_HUB_SWEEP_INTERVAL_S", default=20)
CELERY_BEAT_SCHEDULE = beat_schedule(sweep_every_s=SWEEP_INTERVAL_S)
CELERY_BEAT_SCHEDULE_FILENAME = str(Path(VAR_DIR) / "celerybeat-schedule")
CELERY_TIMEZONE = "UTC"

# -- the hub ----------------------------------------------------------------------------------------------------------

SANDBOX_URL = env.str("SANDBOX_URL", default="http://127.0.0.1:12111")

_DEMO_KEY = "YS1kZW1vLWtleS1uby1yZWFsLXByb2plY3QtdXNlcy0="  # "a-demo-key-no-real-project-uses-"

PAYMENTS_HUB = {
    "ORDER_MODEL": "shop.Order",
    "PUBLIC_URL": PUBLIC_URL,
    "RETURN_HOSTS": [PUBLIC_URL.partition("://")[2]],
    "ENCRYPTION_KEYS": env.parse_value(_secret("PAYMENTS_HUB_ENCRYPTION_KEYS", demo=_DEMO_KEY), list),
    "TEST_FAILPOINTS": env.bool("PAYMENTS_HUB_TEST_FAILPOINTS", default=False),
    "SWEEP_INTERVAL_S": SWEEP_INTERVAL_S,
    "ACCOUNTS": {
        "stripe": {
            "PROVIDER": "stripe",
            "MODE": "test",
            "LABEL": "Card",
            "SECRET_KEY": _secret("STRIPE_SECRET_KEY", demo="sk_test_demo"),
            "PUBLISHABLE_KEY": _secret("STRIPE_PUBLISHABLE_KEY", demo="pk_test_demo"),
            "WEBHOOK_SECRETS": env.parse_value(_secret("STRIPE_WEBHOOK_SECRETS", demo="whsec_demo"), list),
            "API_BASE": env.str("STRIPE_API_BASE", default=f"{SANDBOX_URL}/stripe"),
        },
        "paypal": {
            "PROVIDER": "paypal",
            "MODE": "test",
            "LABEL": "PayPal",
            "CLIENT_ID": _secret("PAYPAL_CLIENT_ID", demo="client-demo"),
            "CLIENT_SECRET": _secret("PAYPAL_CLIENT_SECRET", demo="secret-demo"),
            "WEBHOOK_IDS": env.parse_value(_secret("PAYPAL_WEBHOOK_IDS", demo="WH-DEMO"), list),
            "WEBHOOK_ROOT_CERTIFICATE": env.str("PAYPAL_WEBHOOK_ROOT_CERTIFICATE", default="", multiline=True),
            "API_BASE": env.str("PAYPAL_API_BASE", default=f"{SANDBOX_URL}/paypal"),
        },
        "square": {
            "PROVIDER": "square",
            "MODE": "test",
            "LABEL": "Card, at Square",
            "ACCESS_TOKEN": _secret("SQUARE_ACCESS_TOKEN", demo="token-demo"),
            "APPLICATION_ID": env.str("SQUARE_APPLICATION_ID", default="sandbox-sq0idb-demo"),
            "LOCATION_ID": _secret("SQUARE_LOCATION_ID", demo="LDEMO"),
            "WEBHOOK_SECRETS": env.parse_value(_secret("SQUARE_WEBHOOK_SECRETS", demo="key-demo"), list),
            "API_BASE": env.str("SQUARE_API_BASE", default=f"{SANDBOX_URL}/square"),
        },
        "jazzcash": {
            "PROVIDER": "jazzcash",
            "MODE": "test",
            "LABEL": "JazzCash",
            "MERCHANT_ID": _secret("JAZZCASH_MERCHANT_ID", demo="MC10001"),
            "PASSWORD": _secret("JAZZCASH_PASSWORD", demo="password-demo"),
            "INTEGRITY_SALTS": env.parse_value(_secret("JAZZCASH_INTEGRITY_SALTS", demo="salt-demo"), list),
            "MERCHANT_MPIN": env.str("JAZZCASH_MERCHANT_MPIN", default=""),
            "GENERATION": env.str("JAZZCASH_GENERATION", default="classic"),
            "WALLET_VERSION": env.str("JAZZCASH_WALLET_VERSION", default="2.0"),
            "API_BASE": env.str("JAZZCASH_API_BASE", default=f"{SANDBOX_URL}/jazzcash"),
        },
        "easypaisa": {
            "PROVIDER": "easypaisa",
            "MODE": "test",
            "LABEL": "EasyPaisa",
            "STORE_ID": _secret("EASYPAISA_STORE_ID", demo="10001"),
            "ACCOUNT_NUM": _secret("EASYPAISA_ACCOUNT_NUM", demo="100010001"),
            "USERNAME": _secret("EASYPAISA_USERNAME", demo="store-demo"),
            "PASSWORD": _secret("EASYPAISA_PASSWORD", demo="password-demo"),
            "HASH_KEY": _secret("EASYPAISA_HASH_KEY", demo="0123456789ABCDEF"),
            "API_BASE": env.str("EASYPAISA_API_BASE", default=f"{SANDBOX_URL}/easypaisa"),
        },
        "manual": {
            "PROVIDER": "manual",
            "MODE": "test",
            "LABEL": "Bank or cash",
            "METHODS": ["bank_transfer", "cash"],
            "BANK_DETAILS": {
                "account_holder": "Harbour & Hearth Ltd",
                "iban": "GB33 BUKB 2020 1555 5555 55",  # the standard's example of an account that does not exist
                "bic": "BUKBGB22",
            },
        },
    },
}

SPECTACULAR_SETTINGS = {"TITLE": "django-payments-hub demo shop", "VERSION": "0.1.0", "SERVE_INCLUDE_SCHEMA": False}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "loggers": {"django_payments_hub": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="WARNING")}},
}

"""The demo shop: django-payments-hub wired to a small project."""

from example_project.celery import app as celery_app

__all__ = ["celery_app"]

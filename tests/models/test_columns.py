"""What SQLite lets pass and other databases refuse: values longer than their column."""

from __future__ import annotations

from django.apps import apps
from django.db.models import CharField

from django_payments_hub.domain.statuses import DisputeStatus, MethodStatus, PaymentStatus, RefundStatus
from django_payments_hub.models import TransactionLog


def test_every_choice_fits_its_column() -> None:
    fields = [
        field
        for model in apps.get_app_config("payments_hub").get_models()
        for field in model._meta.get_fields()
        if isinstance(field, CharField) and field.choices
    ]
    assert len(fields) > 10
    too_long = {
        str(field): value for field in fields for value, _ in field.flatchoices if len(value) > (field.max_length or 0)
    }
    assert too_long == {}


def test_the_log_takes_the_status_of_everything_it_tells_of() -> None:
    longest = max(len(status) for kind in (PaymentStatus, RefundStatus, DisputeStatus, MethodStatus) for status in kind)
    for name in ("from_status", "to_status"):
        field = TransactionLog._meta.get_field(name)
        assert isinstance(field, CharField)
        assert (field.max_length or 0) >= longest

"""Everything under `/api/payments/`: `path("api/payments/", include("django_payments_hub.urls"))`."""

from django.urls import include, path

app_name = "payments_hub"

urlpatterns = [
    path("", include("django_payments_hub.webhooks.urls")),
    path("", include("django_payments_hub.api.urls")),
]

"""The hub where the documentation puts it, and the bare view it is compared with."""

from django.urls import include, path

from benchmarks.bare import views

urlpatterns = [
    path("api/payments/", include("django_payments_hub.urls")),
    path("bare/orm/", views.file_with_orm),
    path("bare/sql/", views.file_with_sql),
]

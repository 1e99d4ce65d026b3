"""Addresses of the demo shop."""

from django.contrib import admin
from django.contrib.staticfiles.urls import staticfiles_urlpatterns
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/payments/", include("django_payments_hub.urls")),
    path("", include("example_project.shop.urls")),
    *staticfiles_urlpatterns(),  # with DEBUG only: gunicorn serves the demo's few files too
]

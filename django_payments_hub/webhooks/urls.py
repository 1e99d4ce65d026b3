"""Addresses of the public endpoints."""

from django.urls import path

from django_payments_hub.webhooks import views

urlpatterns = [
    path("webhooks/<slug:account>/", views.webhook, name="webhook"),
    path("pay/<uuid:payment_id>/<str:signature>/", views.form_page, name="form"),
    path("return/<uuid:payment_id>/", views.return_payment, name="return-payment"),
    path("return/<slug:account>/", views.return_account, name="return-account"),
]

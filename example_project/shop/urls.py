"""Addresses of the shop."""

from django.contrib.auth.views import LoginView, LogoutView
from django.urls import path

from example_project.shop import views

app_name = "shop"
urlpatterns = [
    path("", views.products, name="products"),
    path("products/<slug:slug>/", views.product, name="product"),
    path("orders/", views.orders, name="orders"),
    path("orders/<uuid:order_id>/", views.order, name="order"),
    path("orders/<uuid:order_id>/thanks/", views.thanks, name="thanks"),
    path("login/", LoginView.as_view(template_name="shop/login.html"), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
]

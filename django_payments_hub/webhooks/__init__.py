"""Notifications and browser returns."""

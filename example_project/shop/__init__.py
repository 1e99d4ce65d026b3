"""Catalogue and orders of the demo shop."""

"""Test helpers for projects that use the hub."""

from tests.services.conftest import *  # noqa: F403 - until the shared fixtures live in tests/conftest.py

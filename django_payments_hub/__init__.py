"""One payments API for any Django project. The package imports nothing, so that the sandbox runs without Django."""

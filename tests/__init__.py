"""The tests. A package by name, because a development dependency installs a package `tests` of its own."""

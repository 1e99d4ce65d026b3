"""The least a project could write by itself: a view, a signature check and a table."""

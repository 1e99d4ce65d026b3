"""The whole story over HTTP, with matching books: `python -m example_project.demo`; with `serve`, to look around."""

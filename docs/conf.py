"""Configuration of the documentation: Sphinx, MyST and furo; warnings are errors (`make docs`)."""

import sys
from pathlib import Path

from pygments.lexers.special import TextLexer
from sphinx.highlighting import lexers

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE / "_ext")]
# What the Python block before it prints; compared by the tests.
lexers["output"] = TextLexer()

project = "django-payments-hub"
author = "django-payments-hub contributors"
copyright = author
html_title = project

extensions = ["myst_parser", "hub_reference"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]
if not (HERE / "benchmarks.md").exists():  # written by `make bench`
    exclude_patterns.append("benchmarks.md")
    suppress_warnings = ["toc.excluded"]
nitpicky = True

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["hub.css"]
html_theme_options = {"source_repository": "", "navigation_with_keys": True}
html_show_sphinx = False
html_copy_source = False
highlight_language = "none"

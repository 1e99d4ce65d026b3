"""Sessions over every supported Python and Django.

`nox -l` lists them; `nox -s "tests(python='3.12', django='5.2')"` runs one.
"""

import tempfile
import zipfile
from pathlib import Path

import nox

nox.options.default_venv_backend = "venv"
nox.options.reuse_existing_virtualenvs = True
nox.options.sessions = ["tests", "lint", "types", "docs", "wheel"]

CONSTRAINTS = "constraints/dev.txt"
PYTHON = "3.11"
EXTRAS = ".[all,sandbox,api-docs,dev]"
LTS = "5.2"
CURRENT = "current"
# Django 6 needs Python 3.12.
MATRIX = [("3.11", LTS), ("3.12", LTS), ("3.12", CURRENT), ("3.13", LTS), ("3.13", CURRENT)]


def install_pinned(session: nox.Session) -> None:
    session.install("-q", "-c", CONSTRAINTS, "-e", EXTRAS)


@nox.session
@nox.parametrize(("python", "django"), MATRIX)
def tests(session: nox.Session, django: str) -> None:
    """The fast tests: pinned on the LTS, with the newest of everything on the current Django."""
    if django == LTS:
        install_pinned(session)
    else:
        session.install("-q", "--upgrade", "--upgrade-strategy", "eager", "-e", EXTRAS, "Django>=6.0,<7")
    session.run("python", "-m", "django", "--version")
    arguments = session.posargs or ["-n", "2", "-m", "not slow and not postgres and not mariadb"]
    session.run("python", "-m", "pytest", *arguments)


@nox.session(python=PYTHON)
def lint(session: nox.Session) -> None:
    """Style, format and the layers."""
    install_pinned(session)
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("lint-imports")


@nox.session(python=PYTHON)
def types(session: nox.Session) -> None:
    """Strict mypy."""
    install_pinned(session)
    session.run("mypy")


@nox.session(python=PYTHON)
def docs(session: nox.Session) -> None:
    """The documentation, warnings being errors."""
    install_pinned(session)
    session.run("sphinx-build", "-W", "--keep-going", "-q", "-b", "html", "docs", "docs/_build/html")


@nox.session(python=PYTHON)
def audit(session: nox.Session) -> None:
    """Known vulnerabilities in what is pinned; needs the internet."""
    session.install("-q", "-c", CONSTRAINTS, "pip-audit")
    session.run("pip-audit", "--requirement", CONSTRAINTS, "--no-deps", "--disable-pip")


@nox.session(python=PYTHON)
def wheel(session: nox.Session) -> None:
    """Builds sdist and wheel, looks into the wheel, and imports it from an environment without extras."""
    with tempfile.TemporaryDirectory() as folder:
        session.install("-q", "-c", CONSTRAINTS, "build")
        session.run("python", "-m", "build", "--outdir", folder)
        (built,) = Path(folder).glob("*.whl")
        names = zipfile.ZipFile(built).namelist()
        strangers = [name for name in names if not name.startswith(("django_payments_hub/", "django_payments_hub-"))]
        if strangers:
            session.error(f"the wheel holds more than the package: {strangers}")
        if "django_payments_hub/py.typed" not in names:
            session.error("the wheel lacks django_payments_hub/py.typed")
        session.install("-q", "--force-reinstall", str(built))
    with tempfile.TemporaryDirectory() as elsewhere, session.chdir(elsewhere):
        session.run("python", "-c", "import django_payments_hub.exceptions; print(django_payments_hub.__file__)")

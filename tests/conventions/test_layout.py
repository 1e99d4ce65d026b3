"""How the project lies on the disk: sizes, names, pins, and nothing of the machine it was written on."""

import re
import tomllib
from itertools import chain

from tests.conventions.sources import PACKAGE, ROOT, project_files, python_files, shown

MAX_LINES = 320
# Spelled so that this file is not its own finding. In a URL such a path follows a host, that is, a letter or digit.
MACHINE_PATH = re.compile(r"(?<![\w.-])/(?:work|root|home)" + "/")
PIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*==[A-Za-z0-9.!+]+")


def test_package_files_stay_short() -> None:
    lengths = {shown(path): len(path.read_text(encoding="utf-8").splitlines()) for path in python_files()}
    assert {name: lines for name, lines in lengths.items() if lines > MAX_LINES} == {}


def test_every_module_has_a_telling_name() -> None:
    assert (PACKAGE / "__init__.py").is_file()
    assert [shown(path) for path in PACKAGE.rglob("*") if path.stem in {"utils", "util"}] == []


def test_no_file_names_a_path_of_a_machine() -> None:
    found = []
    for path in project_files():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:  # an image, a compiled catalogue
            continue
        found += [
            f"{shown(path)}:{number}" for number, line in enumerate(text.splitlines(), 1) if MACHINE_PATH.search(line)
        ]
    assert found == []


def test_the_machine_path_rule_sees_what_it_forbids() -> None:
    for folder in ("work", "root", "home"):
        assert MACHINE_PATH.search(f'open("/{folder}/me/notes.txt")')
        assert MACHINE_PATH.search(f"file:///{folder}/me/wheel.whl")
        assert not MACHINE_PATH.search(f"https://example.com/{folder}/page")


def constraints() -> dict[str, str]:
    lines = (ROOT / "constraints" / "dev.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert pins
    assert [line for line in pins if not PIN.fullmatch(line)] == []
    return {normalised(name): version for name, version in (pin.split("==") for pin in pins)}


def normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_every_dependency_is_pinned_by_name_and_version_alone() -> None:
    # given what the project and its extras ask for
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = chain(project["dependencies"], *project["optional-dependencies"].values())
    names = {normalised(re.split(r"[\[<>=!~ ]", requirement, maxsplit=1)[0]) for requirement in wanted}
    # then each has its pin
    assert names - {project["name"]} - constraints().keys() == set()

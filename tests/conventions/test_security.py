"""Spellings that must not occur in the package: unescaped HTML, unverified TLS, signatures compared with `==`."""

import ast
import re

import pytest

from tests.conventions.sources import nodes, python_files, shown, templates

SECRET_WORDS = {"signature", "signatures", "digest", "hexdigest", "mac", "hmac"}
# `digest_size == 32` compares no secret.
QUALIFIERS = {"algorithm", "count", "header", "length", "name", "size", "type", "version"}
UNVERIFIED_TLS = {"CERT_NONE", "_create_unverified_context"}
UNESCAPED = re.compile(r"\|\s*safe(seq)?\b|{%-?\s*autoescape\s+(off|false)")


def mentions_mark_safe(node: ast.AST) -> bool:
    match node:
        case ast.Name(id="mark_safe") | ast.Attribute(attr="mark_safe") | ast.alias(name="mark_safe"):
            return True
    return False


def turns_verification_off(node: ast.AST) -> bool:
    match node:
        case ast.keyword(arg="verify", value=ast.Constant(value=False)):
            return True
        case ast.Assign(targets=[ast.Attribute(attr="verify" | "check_hostname")], value=ast.Constant(value=False)):
            return True
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name in UNVERIFIED_TLS
    return False


def name_of(node: ast.expr) -> str:
    """What a reader would call the value: `a.b.signature`, `fields["mac"]`, `mac.hexdigest()`."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name) | ast.Subscript(slice=ast.Constant(value=str(name))):
            return name
        case ast.Subscript(value=value):
            return name_of(value)
        case ast.Call(func=function):
            return name_of(function)
    return ""


def is_secret(node: ast.expr) -> bool:
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name_of(node)).lower().replace("-", "_").split("_")
    return bool(SECRET_WORDS.intersection(words)) and words[-1] not in QUALIFIERS


def compares_secret(node: ast.AST) -> bool:
    if not isinstance(node, ast.Compare):
        return False
    operands = [node.left, *node.comparators]
    return any(
        (isinstance(operator, ast.Eq | ast.NotEq) and (is_secret(left) or is_secret(right)))
        or (isinstance(operator, ast.In | ast.NotIn) and is_secret(left))
        for operator, left, right in zip(node.ops, operands, operands[1:], strict=False)
    )


RULES = [mentions_mark_safe, turns_verification_off, compares_secret]


@pytest.mark.parametrize("rule", RULES)
def test_the_package_obeys(rule) -> None:
    found = [shown(path, node) for path in python_files() for node in nodes(path) if rule(node)]
    assert found == []


def test_templates_escape_everything() -> None:
    found = [shown(path) for path in templates() if UNESCAPED.search(path.read_text(encoding="utf-8"))]
    assert found == []


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        (mentions_mark_safe, "from django.utils.safestring import mark_safe"),
        (mentions_mark_safe, "safestring.mark_safe(text)"),
        (turns_verification_off, "client(verify=False)"),
        (turns_verification_off, "session.verify = False"),
        (turns_verification_off, "context.verify_mode = ssl.CERT_NONE"),
        (compares_secret, "signature == expected"),
        (compares_secret, "expected != self.request_hmac"),
        (compares_secret, "form['pp_mac'] == x"),
        (compares_secret, "x == hmac.new(k, m).hexdigest()"),
        (compares_secret, "signature in signatures"),
    ],
)
def test_the_rules_see_what_they_forbid(rule, code: str) -> None:
    assert any(rule(node) for node in ast.walk(ast.parse(code)))


@pytest.mark.parametrize(
    "code",
    [
        "hmac.compare_digest(signature, expected)",
        "client(verify=context)",
        "len(signature) == 64",
        "machine == macro",
        "digest_size == 32",
        "algorithm == 'hmac'",
    ],
)
def test_the_rules_let_pass_what_is_right(code: str) -> None:
    assert not any(rule(node) for rule in RULES for node in ast.walk(ast.parse(code)))

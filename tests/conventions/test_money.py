"""Money is integer minor units or Decimal: no float comes near it."""

import ast

from tests.conventions.sources import nodes, parse, python_files, shown

MONEY_FOLDERS = ("domain", "services", "models", "providers")


def is_float_conversion(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "float"


def is_scaled_by_hand(node: ast.AST) -> bool:
    """`int(amount * 100)`: 1998 for 19.99, and wrong for currencies without cents."""
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"int", "round"}):
        return False
    return any(
        isinstance(part, ast.BinOp)
        and isinstance(part.op, ast.Mult)
        and any(isinstance(side, ast.Constant) and side.value == 100 for side in (part.left, part.right))
        for argument in node.args
        for part in ast.walk(argument)
    )


def test_money_modules_convert_nothing_to_float() -> None:
    found = [
        shown(path, node) for path in python_files(*MONEY_FOLDERS) for node in nodes(path) if is_float_conversion(node)
    ]
    assert found == []


def test_money_modules_do_not_scale_by_a_hundred() -> None:
    found = [
        shown(path, node) for path in python_files(*MONEY_FOLDERS) for node in nodes(path) if is_scaled_by_hand(node)
    ]
    assert found == []


def test_the_rules_see_what_they_forbid() -> None:
    wrong = ast.parse("a = float(x)\nb = int(amount * 100)\nc = round(100 * amount)")
    right = ast.parse("a = Decimal(x)\nb = int(amount * scale)\nc: float = 1.5")
    assert sum(is_float_conversion(node) or is_scaled_by_hand(node) for node in ast.walk(wrong)) == 3
    assert not any(is_float_conversion(node) or is_scaled_by_hand(node) for node in ast.walk(right))
    assert parse(python_files("domain")[0]).body

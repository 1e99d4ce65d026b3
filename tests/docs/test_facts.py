"""Lists in the documentation that the code also holds say the same."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from django.urls import URLPattern, URLResolver, get_resolver
from rest_framework import exceptions as drf

from django_payments_hub import exceptions as hub
from django_payments_hub.api import errors
from django_payments_hub.api.parsers import BodyTooLarge
from django_payments_hub.api.serializers.inputs import CheckoutInput, PaymentInput
from django_payments_hub.api.serializers.outputs import PaymentOutput
from django_payments_hub.api.viewsets.base import HubViewSet
from django_payments_hub.conf import DEFAULT_THROTTLES
from django_payments_hub.domain.statuses import FailureCode
from django_payments_hub.providers.stripe import webhooks as stripe_webhooks
from django_payments_hub.sandbox.faults import KINDS
from django_payments_hub.sandbox.stripe import cards
from tests.conventions.sources import PACKAGE, nodes, python_files
from tests.docs.blocks import ROOT


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def table(text: str, header: str) -> list[list[str]]:
    """The cells of the table whose first header cell is this."""
    match = re.search(rf"^\| {re.escape(header)} \|.*\n\|[-| ]+\|\n((?:\|.*\n)+)", text, re.MULTILINE)
    assert match, f"no table {header!r}"
    return [[cell.strip() for cell in row.strip().strip("|").split("|")] for row in match[1].splitlines()]


def words(cell: str) -> set[str]:
    return set(re.findall(r"`([^`]+)`", cell))


# -- Stripe -----------------------------------------------------------------------------------------------------------


def test_every_stripe_event_to_subscribe_to_is_read_and_every_type_read_by_name_is_listed() -> None:
    match = re.search(r"^EVENTS = (\[.*?\])", page("providers/stripe.md"), re.DOTALL | re.MULTILINE)
    assert match
    listed = set(ast.literal_eval(match[1]))
    assert {event for event in listed if stripe_webhooks._reader(event) is None} == set()
    assert set(stripe_webhooks._EXACT) - listed == set()


def test_the_test_cards_are_those_of_the_sandbox() -> None:
    cells = table(page("providers/stripe.md"), "Token")
    rows = [(token.strip("`"), number.replace(" ", "")) for token, number, _ in cells]
    assert len(rows) >= 10
    assert {token: card.number for token, _ in rows if (card := cards.by_token(token))} == dict(rows)


def test_the_faults_are_those_of_the_sandbox() -> None:
    listed = set().union(*(words(row[0]) for row in table(page("testing.md"), "Kind")))
    assert listed == set(KINDS)


# -- checks and attention codes ---------------------------------------------------------------------------------------


def literals(path: Path, pattern: str) -> set[str]:
    found = {node.value for node in nodes(path) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return {text for text in found if re.fullmatch(pattern, text)}


def test_the_system_checks_are_those_of_the_code() -> None:
    listed = [row[0].strip("`") for row in table(page("deployment.md"), "Id")]
    assert set(listed) == literals(PACKAGE / "checks.py", r"payments_hub\.[EW][0-9]{3}")
    assert len(listed) == len(set(listed))


def attention_codes() -> Iterator[str]:
    """What operations are parked with, payments marked with, and facts quarantined for."""
    for path in python_files("services"):
        for node in nodes(path):
            match node:
                case ast.Call() if ast.unparse(node.func).rpartition(".")[2] in {"park", "leave_to_person"}:
                    yield from constants(node.args)
                case ast.Call() if ast.unparse(node.func).rpartition(".")[2] == "Mismatch":
                    codes = constants([keyword.value for keyword in node.keywords if keyword.arg == "code"])
                    yield from (f"mismatch_{code}" for code in codes)
                case ast.Assign() if "attention_code" in ast.unparse(node.targets[0]):
                    yield from constants(node.value.elts if isinstance(node.value, ast.Tuple) else [node.value])


def constants(values: list[ast.expr]) -> list[str]:
    return [value.value for value in values if isinstance(value, ast.Constant) and isinstance(value.value, str)]


def test_every_attention_code_says_what_to_do() -> None:
    listed = set().union(*(words(row[0]) for row in table(page("operations.md"), "Code")))
    by_name = {
        "confirm_refused",
        "idempotency_mismatch",
        "order_changed",
        "order_overpaid",
        "overpaid",
        "received_late",
        "refunded_in_excess",
        "mismatch_illegal_transition",
    }
    known = set(attention_codes()) - {""} | by_name
    assert {"tries_exhausted", "key_window_passed", "mismatch_amount"} <= known
    assert listed == known


# -- the API ----------------------------------------------------------------------------------------------------------


def routes(patterns: list[URLPattern | URLResolver], prefix: str = "") -> Iterator[tuple[str, str, bool]]:
    """Verb, path and whether an Idempotency-Key is honoured, of every address of the hub."""
    for pattern in patterns:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, path)
            continue
        shown = re.sub(r"<\w+:(\w+)>", r"<\1>", f"/{path}")
        actions = getattr(pattern.callback, "actions", None)
        if actions is None:
            yield ("GET" if shown in {"/schema/", "/docs/"} else "any"), shown, False
            continue
        view: type[HubViewSet] = getattr(pattern.callback, "cls")  # noqa: B009 - the type of a view does not tell
        for verb, action in actions.items():
            if verb != "head":  # GET without the body
                yield verb.upper(), shown, view.contracts[action].once


def test_the_endpoints_are_those_of_the_addresses() -> None:
    resolvers = [pattern for pattern in get_resolver().url_patterns if isinstance(pattern, URLResolver)]
    (ours,) = [resolver for resolver in resolvers if resolver.app_name == "payments_hub"]
    known = set(routes(ours.url_patterns))
    listed = {(row[0], path, "★" in row[2]) for row in table(page("api.md"), "Verb") for path in words(row[1])}
    assert len(known) > 20
    assert listed == known


def test_the_fields_of_a_new_payment_are_those_of_the_serializer() -> None:
    listed = set().union(*(words(row[0]) for row in table(page("api.md"), "Field")))
    assert listed == set(PaymentInput().fields)
    not_of_a_checkout = {"flow", "payment_method_token", "payment_method", "off_session", "defer"}
    assert not_of_a_checkout == set(PaymentInput().fields) - set(CheckoutInput().fields)


def test_the_scopes_of_the_throttles_are_those_of_the_settings() -> None:
    assert set().union(*(words(row[0]) for row in table(page("api.md"), "Scope"))) == set(DEFAULT_THROTTLES)


def test_the_payment_shown_has_every_field_a_customer_gets() -> None:
    match = re.search(r"^```output\n201 (\{.*?^\})", page("api.md"), re.DOTALL | re.MULTILINE)
    assert match
    shown = set(re.findall(r'^  "(\w+)"', match[1], re.MULTILINE))
    staff = {"provider_payment_id", "provider_session_id", "attention_code", "surplus", "payer"}
    assert shown == set(PaymentOutput().fields) - staff


# Raised where no request of the API passes, or turned into another code on the way out.
FACES = ("api", "services", "domain", "provider_kit", "webhooks")
INTERNAL = {
    "error", "declined", "provider_bug", "look_up_refused",
    "operation_not_parked", "operation_happened", "no_attention", "still_in_excess",  # of the admin alone
    "surplus_left", "method_not_parked",
    "mode_mismatch",  # of the configuration, and of an operation that is not sent because of it
}  # fmt: skip


def codes_of_requests() -> dict[str, set[str]]:
    """Error codes that a request can meet, by the class they are raised with."""
    found: dict[str, set[str]] = {}
    for path in [*python_files(*FACES), PACKAGE / "exceptions.py"]:
        for node in nodes(path):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                for keyword in node.keywords:
                    if keyword.arg == "code" and isinstance(keyword.value, ast.Constant):
                        found.setdefault(str(keyword.value.value), set()).add(node.func.id)
            if isinstance(node, ast.ClassDef):
                for line in node.body:
                    match line:
                        case ast.Assign(targets=[ast.Name(id="code")], value=ast.Constant(value=str(code))):
                            found.setdefault(code, set()).add(node.name)
    return found


def is_of_the_api(owner: str) -> bool:
    kind = getattr(hub, owner, None) or getattr(errors, owner, None)
    if not isinstance(kind, type) or not issubclass(kind, Exception):
        return owner in {"Problem", "MalformedJson"}
    return not issubclass(kind, hub.WebhookError) and (not issubclass(kind, hub.ConfigurationError))


def documented_errors() -> dict[str, str]:
    rows = table(page("api.md").partition("## Errors")[2], "Code")
    return {code: row[1] for row in rows for code in words(row[0])}


def test_every_error_code_of_the_api_is_documented() -> None:
    raised = {code for code, owners in codes_of_requests().items() if any(map(is_of_the_api, owners))} - INTERNAL
    assert {"invalid_amount", "order_already_paid", "idempotency_in_flight", "server_error"} <= raised
    documented = documented_errors()
    assert raised - documented.keys() == set()


def test_every_documented_error_code_stands_in_the_code() -> None:
    texts = set().union(*(literals(path, r"[a-z_]+") for path in [*python_files()]))
    of_drf = {getattr(kind, "default_code", "") for kind in vars(drf).values()}
    of_fields = {"null", "blank", "max_length", "invalid_choice", "not_a_dict", "required"}
    dotted = {code for code in documented_errors() if code.endswith("...")}
    assert documented_errors().keys() - texts - of_drf - of_fields - dotted == set()


def status_of(owner: str, code: str) -> str:
    """The status the API answers this error of the hub with; "" for what is no such error."""
    kind = getattr(hub, owner, None)
    if not isinstance(kind, type) or not issubclass(kind, hub.RequestError | hub.ProviderError):
        return ""
    problem = errors.problem_of(kind() if kind is hub.Throttled else kind(code=code))
    assert problem
    return str(problem.status)


def statuses_of_the_framework() -> Iterator[tuple[str, str]]:
    """Code and status of the errors that come from DRF, and of those written down as they are answered."""
    raised = [
        drf.NotAuthenticated(), drf.AuthenticationFailed(), drf.PermissionDenied(), drf.NotFound(), drf.ParseError(),
        drf.MethodNotAllowed("GET"), drf.UnsupportedMediaType("text/plain"), drf.Throttled(), BodyTooLarge(),
    ]  # fmt: skip
    for error in raised:
        problem = errors.problem_of(error)
        assert problem
        yield problem.code, str(problem.status)
    for node in nodes(PACKAGE / "api" / "errors.py"):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "Problem":
            given = {k.arg: ast.literal_eval(k.value) for k in node.keywords if isinstance(k.value, ast.Constant)}
            if "code" in given and "status" in given:
                yield str(given["code"]), str(given["status"])


def test_a_documented_code_has_the_status_of_its_error() -> None:
    # given the rows of the table: a code may have a second status, which its meaning then names
    rows = table(page("api.md").partition("## Errors")[2], "Code")
    told = {code: {row[1], *re.findall(r"\b[45]\d\d\b", row[2])} for row in rows for code in words(row[0])}
    # when every error is turned into an answer
    given = {(code, status_of(owner, code)) for code, owners in codes_of_requests().items() for owner in owners}
    given |= set(statuses_of_the_framework())
    checked = {(code, status) for code, status in given if status and code in told}
    # then it has a status the table names
    assert len(checked) > 50
    assert {(code, status) for code, status in checked if status not in told[code]} == set()


def test_the_failure_codes_of_a_decline_are_listed() -> None:
    listed = words(page("api.md").partition("the code of its failure:")[2].partition("\n## ")[0])
    never_402 = {"invalid_request", "provider_misconfigured", "refund_refused"}
    assert listed == {code.value for code in FailureCode} - never_402

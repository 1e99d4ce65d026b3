"""Webhooks: registered, signed, verified by a client's own means and by PayPal's postback."""

import base64
import json
import zlib
from typing import Any

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from tests.sandbox.browser import fetch
from tests.sandbox.paypal.conftest import Shop
from tests.sandbox.receiver import Heard, Receiver

NAME = "messageverificationcerts.paypal.com"
SIGNED = ("auth_algo", "cert_url", "transmission_id", "transmission_sig", "transmission_time")


def header(heard: Heard, name: str) -> str:
    return heard.headers["paypal-" + name.replace("_", "-")]


def chain(heard: Heard) -> list[x509.Certificate]:
    answer = fetch(header(heard, "cert_url"))
    assert answer.status == 200
    return x509.load_pem_x509_certificates(answer.html.encode())


def check_signature(heard: Heard, webhook_id: str, body: bytes | None = None) -> None:
    """By the rule that PayPal publishes, written anew here."""
    crc = zlib.crc32(heard.body if body is None else body)
    parts = header(heard, "transmission_id"), header(heard, "transmission_time"), webhook_id, str(crc)
    key = chain(heard)[0].public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    signature = base64.b64decode(header(heard, "transmission_sig"))
    key.verify(signature, "|".join(parts).encode(), padding.PKCS1v15(), hashes.SHA256())


def check_chain(heard: Heard, root: str) -> None:
    leaf, *intermediates = chain(heard)
    store = Store([x509.load_pem_x509_certificate(root.encode())])
    PolicyBuilder().store(store).build_server_verifier(x509.DNSName(NAME)).verify(leaf, intermediates)


@pytest.fixture
def root(sandbox) -> str:
    settings = sandbox.settings("paypal")
    assert settings["API_BASE"].endswith("/paypal")
    return str(settings["WEBHOOK_ROOT_CERTIFICATE"])


@pytest.fixture
def notice(shop: Shop, sandbox, receiver: Receiver, webhook: str) -> Any:
    """Make PayPal send one: the newest of what was heard."""

    def send() -> Heard:
        shop.approved(custom_id="caf\u00e9")
        assert sandbox.wait_idle()
        return receiver.heard[-1]

    return send


def test_a_notice_is_signed_over_its_bytes_for_its_webhook(notice, webhook, root):
    heard = notice()
    assert (header(heard, "auth_algo"), heard.event["event_type"]) == ("SHA256withRSA", "CHECKOUT.ORDER.APPROVED")
    check_signature(heard, webhook)
    check_chain(heard, root)
    with pytest.raises(InvalidSignature):
        check_signature(heard, webhook, heard.body.replace(b"APPROVED", b"COMPLETE", 1))
    with pytest.raises(InvalidSignature):
        check_signature(heard, "5GP028458E2496506")


def test_each_try_is_signed_anew(shop, sandbox, receiver, webhook):
    receiver.answers = [500, 200]
    sandbox.policy(retry_scale=0.01)
    shop.approved()
    first, second = receiver.wait_for(2)
    assert first.event == second.event
    assert header(first, "transmission_id") != header(second, "transmission_id")
    check_signature(second, webhook)


def test_each_webhook_gets_a_signature_of_its_own(shop, sandbox, receiver, webhook):
    other = sandbox.deed("webhook", account=shop.client_id, url=receiver.url + "/other")["id"]
    shop.approved()
    assert sandbox.wait_idle()
    by_path = {heard.path: heard for heard in receiver.heard}
    check_signature(by_path["/hook"], webhook)
    check_signature(by_path["/hook/other"], other)
    with pytest.raises(InvalidSignature):
        check_signature(by_path["/hook"], other)


def test_a_webhook_hears_what_it_asked_for(shop, sandbox, receiver):
    names = ["PAYMENT.CAPTURE.COMPLETED"]
    sandbox.deed("webhook", account=shop.client_id, url=receiver.url, event_types=names)
    shop.captured()
    assert sandbox.wait_idle()
    assert [heard.event["event_type"] for heard in receiver.heard] == names


# Certificates ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["expired", "wrong_name", "other_authority"])
def test_a_bad_certificate_signs_and_yet_is_not_to_be_trusted(sandbox, notice, webhook, root, mode):
    sandbox.deed("rotate_certificate", mode=mode)
    heard = notice()
    check_signature(heard, webhook)
    with pytest.raises(VerificationError):
        check_chain(heard, root)


def test_a_new_certificate_is_as_good_as_the_old_one(sandbox, notice, webhook, root):
    first = notice()
    made = sandbox.deed("rotate_certificate")
    second = notice()
    assert header(second, "cert_url") == made["url"] != header(first, "cert_url")
    for heard in (first, second):
        check_signature(heard, webhook)
        check_chain(heard, root)


@pytest.mark.parametrize(("mode", "status"), [("missing", 404), ("redirect", 302), ("garbage", 200), ("huge", 200)])
def test_fetching_a_certificate_can_be_made_to_fail(sandbox, notice, mode, status):
    sandbox.deed("rotate_certificate", mode=mode)
    answer = fetch(header(notice(), "cert_url"))
    assert answer.status == status
    assert (answer.location is not None) == (mode == "redirect")
    assert (len(answer.html) > 5_000_000) == (mode == "huge")


def test_a_slow_certificate_comes_late(sandbox, notice, root):
    sandbox.deed("rotate_certificate", mode="slow", seconds=0.2)
    check_chain(notice(), root)


def test_an_unknown_mode_is_refused(sandbox):
    with pytest.raises(Exception, match="mode must be one of"):
        sandbox.deed("rotate_certificate", mode="bent")


def test_the_root_stays_what_it_was_after_a_reset(sandbox, root):
    sandbox.deed("rotate_certificate", mode="expired")
    sandbox.reset()
    assert sandbox.settings("paypal")["WEBHOOK_ROOT_CERTIFICATE"] == root
    assert sandbox.deed("rotate_certificate")["mode"] == "new"


def test_no_certificate_is_found_under_another_id(process):
    assert fetch(process.url_of("paypal") + "/v1/notifications/certs/CERT-nothing").status == 404


# Postback -------------------------------------------------------------------------------------------------------------


def ask(shop: Shop, heard: Heard, webhook: str, event: bytes | None = None, **change: str) -> str:
    given = {name: header(heard, name) for name in SIGNED} | {"webhook_id": webhook} | change
    body = json.dumps(given)[:-1].encode() + b', "webhook_event": ' + (heard.body if event is None else event) + b"}"
    url = shop.api.endpoint + "/v1/notifications/verify-webhook-signature"
    answer = shop.api.http_call(url, "POST", data=body, headers=shop.api.headers())
    return str(answer["verification_status"])


def test_paypal_confirms_a_notice_of_its_own(shop, notice, webhook):
    heard = notice()
    assert ask(shop, heard, webhook) == "SUCCESS"
    # The same values in other bytes are another message
    assert ask(shop, heard, webhook, json.dumps(heard.event, ensure_ascii=False).encode()) == "FAILURE"
    assert ask(shop, heard, webhook, heard.body.replace(b"APPROVED", b"COMPLETE", 1)) == "FAILURE"


@pytest.mark.parametrize(
    "change",
    [
        {"auth_algo": "SHA1withRSA"},
        {"cert_url": "https://api.paypal.com/v1/notifications/certs/CERT-360caa42-fca2a594-a5cafa77"},
        {"transmission_id": "69cd13f0-d67a-11e5-baa3-778b53f4ae55"},
        {"transmission_time": "2016-02-18T20:01:35Z"},
        {"transmission_sig": "AAAA"},
        {"webhook_id": "1JE4291016473214C"},
    ],
)
def test_paypal_denies_a_notice_that_was_changed(shop, notice, webhook, change):
    assert ask(shop, notice(), webhook, **change) == "FAILURE"


def test_paypal_denies_a_notice_with_a_bad_certificate(shop, sandbox, notice, webhook):
    sandbox.deed("rotate_certificate", mode="other_authority")
    assert ask(shop, notice(), webhook) == "FAILURE"


def test_paypal_denies_the_notice_of_another_account(notice, webhook, make_shop):
    assert ask(make_shop("another-client"), notice(), webhook) == "FAILURE"


def test_a_postback_without_its_parts_is_refused(shop):
    path = "v1/notifications/verify-webhook-signature"
    assert shop.refused(lambda: shop.post(path, {"auth_algo": "SHA256withRSA"}), 400) == "MISSING_REQUIRED_PARAMETER"


def test_a_simulated_event_never_verifies(shop, sandbox, receiver, webhook):
    shop.post("v1/notifications/simulate-event", {"event_type": "PAYMENT.CAPTURE.COMPLETED", "webhook_id": webhook})
    assert shop.api.last[0] == 202
    assert sandbox.wait_idle()
    assert ask(shop, receiver.heard[-1], webhook) == "FAILURE"


def test_a_forged_notice_is_signed_for_the_webhook_that_is_named(shop, sandbox, receiver, webhook):
    sandbox.forge(receiver.url, webhook, {"event_type": "PAYMENT.CAPTURE.COMPLETED"}, provider="paypal")
    check_signature(receiver.heard[-1], webhook)


# The API --------------------------------------------------------------------------------------------------------------


def test_webhooks_are_listed_changed_and_deleted(shop, receiver, webhook):
    path = f"v1/notifications/webhooks/{webhook}"
    assert shop.get("v1/notifications/webhooks")["webhooks"][0]["id"] == webhook
    names = [{"name": "PAYMENT.CAPTURE.COMPLETED"}]
    shop.api.patch(path, [{"op": "replace", "path": "/event_types", "value": names}])
    shop.api.patch(path, [{"op": "replace", "path": "/url", "value": "https://shop.example/hook"}])
    assert shop.get(path)["event_types"] == names
    assert shop.get(path)["url"] == "https://shop.example/hook"
    assert [item["name"] for item in shop.get(f"{path}/event-types")["event_types"]] == ["PAYMENT.CAPTURE.COMPLETED"]
    shop.api.delete(path)
    assert shop.refused(lambda: shop.get(path), 404) == "INVALID_RESOURCE_ID"


@pytest.mark.parametrize(
    ("change", "issue"),
    [
        ({"url": "http://127.0.0.1:1/hook"}, None),
        ({"url": None}, "MISSING_REQUIRED_PARAMETER"),
        ({"url": "shop"}, "INVALID_PARAMETER_SYNTAX"),
        ({"event_types": []}, "MISSING_REQUIRED_PARAMETER"),
        ({"event_types": [{"name": "PAYMENT.NOTHING"}]}, "INVALID_PARAMETER_VALUE"),
    ],
)
def test_a_webhook_out_of_form_is_refused(shop, change, issue):
    body = {"url": "https://shop.example/hook", "event_types": [{"name": "*"}], **change}
    body = {name: value for name, value in body.items() if value is not None}
    path = "v1/notifications/webhooks"
    if issue is None:
        assert shop.post(path, body)["url"] == change["url"]
        assert shop.refused(lambda: shop.post(path, body), 400) == "WEBHOOK_URL_ALREADY_EXISTS"
    else:
        assert shop.refused(lambda: shop.post(path, body), 400) == issue


def test_ten_webhooks_are_the_most(shop):
    for number in range(10):
        body = {"url": f"https://shop.example/{number}", "event_types": [{"name": "*"}]}
        shop.post("v1/notifications/webhooks", body)
    body = {"url": "https://shop.example/more", "event_types": [{"name": "*"}]}
    refused = shop.refused(lambda: shop.post("v1/notifications/webhooks", body), 400)
    assert refused == "WEBHOOK_NUMBER_LIMIT_EXCEEDED"


def test_events_are_kept_and_sent_again(shop, sandbox, receiver, webhook, heard):
    shop.captured()
    first = heard()[0]
    assert shop.get(f"v1/notifications/webhooks-events/{first['id']}") == first
    listed = shop.get("v1/notifications/webhooks-events?event_type=PAYMENT.CAPTURE.COMPLETED")
    assert (listed["count"], listed["events"][0]["event_type"]) == (1, "PAYMENT.CAPTURE.COMPLETED")
    shop.post(f"v1/notifications/webhooks-events/{first['id']}/resend", {"webhook_ids": [webhook]})
    assert heard()[-1] == first
    check_signature(receiver.heard[-1], webhook)
    assert sandbox.send(first["id"], times=3, concurrently=True) == [200, 200, 200]


def test_every_event_type_that_is_sent_is_listed(shop):
    names = [item["name"] for item in shop.get("v1/notifications/webhooks-event-types")["event_types"]]
    assert len(names) == len(set(names)) > 15
    assert "PAYMENT.CAPTURE.COMPLETED" in names


@pytest.mark.parametrize("overlap", [True, False])
def test_a_rolled_webhook_is_another_one_for_the_same_address(shop, sandbox, receiver, webhook, overlap):
    new = sandbox.roll_secret(webhook, overlap=overlap)
    shop.approved()
    assert sandbox.wait_idle()
    assert len(receiver.heard) == (2 if overlap else 1)
    check_signature(receiver.heard[-1], new)

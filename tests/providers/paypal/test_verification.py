"""Which notices are PayPal's: published vectors, the sandbox's authority, addresses never fetched (S6, F48)."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from django_payments_hub.domain.statuses import Mode
from django_payments_hub.exceptions import InvalidSignature, VerificationUnavailable
from django_payments_hub.providers.paypal import Provider, verification
from tests.provider_kit.raw_server import RawServer, answer, sends
from tests.providers.paypal.harness import account
from tests.providers.paypal.published import NOTICES, Published


def at_once(jobs: list[Callable[[], object]]) -> list[object]:
    """Run the jobs in threads that start together; what each returned or raised."""
    barrier, results = threading.Barrier(len(jobs)), list[object](jobs)

    def run(place: int, job: Callable[[], object]) -> None:
        barrier.wait(10)
        try:
            results[place] = job()
        except Exception as error:  # noqa: BLE001 - handed to the test
            results[place] = error

    threads = [threading.Thread(target=run, args=(place, job)) for place, job in enumerate(jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    return results


each_notice = pytest.mark.parametrize("notice", NOTICES, ids=lambda n: n.transmission_time)


@pytest.fixture
def knows():
    """A provider that has fetched the certificate of a published notice, as of the time the notice was sent."""
    made = []

    def knows(notice: Published, **values: Any) -> Provider:
        provider = Provider(account(**{"WEBHOOK_IDS": ["ANOTHER", notice.webhook_id], **values}))
        provider._verifier._known[notice.url] = notice.signer()
        made.append(provider)
        return provider

    yield knows
    for provider in made:
        provider.close()


# -- published vectors ------------------------------------------------------------------------------------------------


@each_notice
def test_a_published_notice_is_paypals(knows, notice):
    knows(notice).verify_webhook(notice.body.encode(), notice.headers, now=notice.sent_at + 1)


@each_notice
def test_a_published_notice_with_one_byte_changed_is_not(knows, notice):
    provider, body = knows(notice), notice.body.encode()
    for place in range(0, len(body), max(1, len(body) // 40)):
        changed = bytearray(body)
        changed[place] ^= 1
        with pytest.raises(InvalidSignature):
            provider.verify_webhook(bytes(changed), notice.headers, now=notice.sent_at)
    for other in (body + b"\n", body[:-1], b""):
        with pytest.raises(InvalidSignature):
            provider.verify_webhook(other, notice.headers, now=notice.sent_at)


@each_notice
def test_a_published_notice_with_a_changed_header_is_not(knows, notice):
    provider = knows(notice)
    signature = bytearray(base64.b64decode(notice.signature))
    signature[7] ^= 1
    for name, value in (
        ("paypal-transmission-id", notice.transmission_id[:-1] + "0"),
        ("paypal-transmission-time", notice.transmission_time.replace("Z", "+00:00")),
        ("paypal-transmission-sig", base64.b64encode(bytes(signature)).decode()),
        ("paypal-transmission-sig", base64.b64encode(b"short").decode()),
        ("paypal-auth-algo", "SHA1withRSA"),
    ):
        with pytest.raises(InvalidSignature):
            provider.verify_webhook(notice.body.encode(), {**notice.headers, name: value}, now=notice.sent_at)


@each_notice
def test_a_notice_of_another_webhook_is_not_this_accounts(knows, notice):
    with pytest.raises(InvalidSignature):
        knows(notice, WEBHOOK_IDS=["ANOTHER"]).verify_webhook(notice.body.encode(), notice.headers, now=notice.sent_at)


@pytest.mark.parametrize(
    ("age_s", "code"),
    [
        (0, None),
        (3 * 86400, None),
        (-299, None),
        (3 * 86400 + 6 * 3600 + 1, "stale_signature"),
        (31 * 86400, "stale_signature"),
        (-301, "future_signature"),
        (-(10**9), "future_signature"),
    ],
)
def test_a_notice_is_taken_for_as_long_as_paypal_repeats_it(knows, age_s, code):
    notice = NOTICES[0]
    provider = knows(notice)
    if code is None:
        provider.verify_webhook(notice.body.encode(), notice.headers, now=notice.sent_at + age_s)
        return
    with pytest.raises(InvalidSignature) as caught:
        provider.verify_webhook(notice.body.encode(), notice.headers, now=notice.sent_at + age_s)
    assert caught.value.code == code


@pytest.mark.parametrize("name", ["transmission-id", "transmission-time", "transmission-sig", "cert-url", "auth-algo"])
@pytest.mark.parametrize("value", [None, "", "\xe9", "x" * 5000, "a|b", "2015-99-99T00:00:00Z", "!!!"])
def test_headers_that_are_missing_or_malformed_are_refused(knows, name, value):
    notice = NOTICES[0]
    headers = {**notice.headers, f"paypal-{name}": value}
    given = {key: v for key, v in headers.items() if v is not None}
    with pytest.raises(InvalidSignature):
        knows(notice).verify_webhook(notice.body.encode(), given, now=notice.sent_at)


# -- the certificate's address ----------------------------------------------------------------------------------------

PATH = "/v1/notifications/certs/CERT-360caa42"
FOREIGN = [
    "http://api.paypal.com{path}",
    "https://api.paypal.com:443{path}",
    "https://api.paypal.com:8443{path}",
    "https://user@api.paypal.com{path}",
    "https://api.paypal.com@{canary}{path}",
    "https://api.paypal.com.evil.example{path}",
    "https://evil-api.paypal.com{path}",
    "https://www.paypal.com{path}",
    "https://API.paypal.com{path}",
    "https://api.paypal.com./v1/notifications/certs/CERT-1",
    "https://api.paypal.com/x/../v1/notifications/certs/CERT-1",
    "https://api.paypal.com//v1/notifications/certs/CERT-1",
    "https://api.paypal.com/v1/notifications/certs/../../x",
    "https://api.paypal.com/v1/notifications/certs/CERT-1/../../x",
    "https://api.paypal.com/v1/notifications/certs/CERT-1?x=1",
    "https://api.paypal.com/v1/notifications/certs/CERT-1#x",
    "https://api.paypal.com/v1/notifications/certs/CERT-1%2e",
    "https://api.paypal.com/v1/notifications/certs/",
    "https://api.paypal.com/v1/notifications/certs/OTHER-1",
    "https://api.paypal.com\\@{canary}{path}",
    "https://[::1{path}",
    "//api.paypal.com{path}",
    "file:///etc/passwd",
    "http://169.254.169.254{path}",
    "http://{canary}{path}",
    "https://{canary}{path}",
    "http://{canary}/paypal{path}",
]


@pytest.mark.parametrize("url", FOREIGN)
@pytest.mark.parametrize("verification", ["offline", "postback"])
def test_an_address_that_is_not_paypals_is_refused_and_never_fetched(knows, connect, url, verification):
    notice = NOTICES[0]
    with RawServer(sends(answer(notice.pem))) as canary:
        headers = {**notice.headers, "paypal-cert-url": url.format(canary=f"127.0.0.1:{canary.port}", path=PATH)}
        for provider in (knows(notice, WEBHOOK_VERIFICATION=verification), connect(WEBHOOK_VERIFICATION=verification)):
            with pytest.raises(InvalidSignature) as caught:
                provider.verify_webhook(notice.body.encode(), headers, now=notice.sent_at)
            assert caught.value.code == "foreign_certificate"
        assert canary.connections == 0


def test_with_a_sandbox_only_that_very_base_is_fetched(connect):
    notice, provider = NOTICES[0], connect()
    for url in (f"https://api.paypal.com{PATH}", f"https://api.sandbox.paypal.com{PATH}"):
        with pytest.raises(InvalidSignature):
            provider.verify_webhook(
                notice.body.encode(), {**notice.headers, "paypal-cert-url": url}, now=notice.sent_at
            )


def test_a_live_account_takes_no_certificate_of_paypals_sandbox(knows):
    notice = NOTICES[0]
    provider = Provider(account(mode=Mode.LIVE, WEBHOOK_IDS=[notice.webhook_id]))
    with pytest.raises(InvalidSignature) as caught:
        provider.verify_webhook(notice.body.encode(), notice.headers, now=notice.sent_at)
    assert caught.value.code == "foreign_certificate"


# -- real deliveries of the sandbox -----------------------------------------------------------------------------------


def test_a_delivered_notice_is_paypals_and_its_certificate_is_fetched_once(bench, notices, sandbox):
    bench.paid()
    bench.paid()
    heard = notices.wait_for(2)
    for one in heard:
        notices.provider.verify_webhook(one.body, one.headers, now=time.time())
    assert len(notices.provider._verifier._known) == 1
    assert len(notices.provider._verifier._fetched_at) == 1


def test_many_notices_at_once_after_a_start_fetch_one_certificate(bench, notices):
    bench.paid()
    [heard, *_] = notices.wait_for(1)
    verify = notices.provider.verify_webhook
    results = at_once([lambda: verify(heard.body, heard.headers, now=time.time()) for _ in range(20)])
    assert results == [None] * 20
    assert len(notices.provider._verifier._fetched_at) == 1


def test_a_delivered_notice_that_is_written_anew_is_not(bench, notices):
    bench.paid()
    [heard, *_] = notices.wait_for(1)
    for body in (heard.body + b" ", heard.body.replace(b":", b": ", 1), heard.body.replace(b"12.50", b"12.51")):
        if body == heard.body:
            continue
        with pytest.raises(InvalidSignature):
            notices.provider.verify_webhook(body, heard.headers, now=time.time())


def test_notices_of_the_old_and_the_new_webhook_are_taken_while_one_is_replaced(bench, notices, sandbox, connect):
    new = sandbox.roll_secret(notices.webhook_id, overlap=True)
    both, only_new = connect(WEBHOOK_IDS=[notices.webhook_id, new]), connect(WEBHOOK_IDS=[new])
    bench.paid()
    sandbox.wait_idle()
    refused = 0
    for heard in notices.heard:
        both.verify_webhook(heard.body, heard.headers, now=time.time())
        try:
            only_new.verify_webhook(heard.body, heard.headers, now=time.time())
        except InvalidSignature:
            refused += 1
    assert 0 < refused < len(notices.heard)


@pytest.mark.parametrize("mode", ["expired", "wrong_name", "other_authority", "redirect", "missing", "garbage", "huge"])
def test_a_certificate_that_cannot_be_had_or_trusted_is_never_accepted(bench, notices, sandbox, mode):
    sandbox.deed("rotate_certificate", mode=mode)
    bench.paid()
    [heard, *_] = notices.wait_for(1)
    with pytest.raises(VerificationUnavailable):
        notices.provider.verify_webhook(heard.body, heard.headers, now=time.time())
    sandbox.deed("rotate_certificate", mode="new")
    count = len(notices.heard)
    bench.paid()
    later = notices.wait_for(count + 2)[-1]
    notices.provider.verify_webhook(later.body, later.headers, now=time.time())


def test_a_certificate_that_comes_too_slowly_is_waited_for_a_bounded_time(bench, notices, sandbox, monkeypatch):
    monkeypatch.setattr(notices.provider._verifier._http, "_deadline_s", 0.5)
    sandbox.deed("rotate_certificate", mode="slow", seconds=20)
    bench.paid()
    [heard, *_] = notices.wait_for(1)
    started = time.monotonic()
    with pytest.raises(VerificationUnavailable):
        notices.provider.verify_webhook(heard.body, heard.headers, now=time.time())
    assert time.monotonic() - started < 5


def test_without_the_sandboxs_authority_its_notices_are_not_accepted(bench, notices, connect, caplog):
    provider = connect(WEBHOOK_ROOT_CERTIFICATE="", WEBHOOK_IDS=[notices.webhook_id])
    bench.paid()
    [heard, *_] = notices.wait_for(1)
    with pytest.raises(VerificationUnavailable):
        provider.verify_webhook(heard.body, heard.headers, now=time.time())
    assert [line for line in caplog.messages if "WEBHOOK_INTERMEDIATES" in line]


def test_a_certificate_kept_too_long_is_fetched_anew(bench, notices):
    bench.paid()
    [heard, *_] = notices.wait_for(1)
    verifier = notices.provider._verifier
    notices.provider.verify_webhook(heard.body, heard.headers, now=time.time())
    [url] = verifier._known
    verifier._known[url] = replace(verifier._known[url], valid_until=1.0)
    notices.provider.verify_webhook(heard.body, heard.headers, now=time.time())
    assert verifier._known[url].valid_until > time.time()


def test_names_of_certificates_that_do_not_exist_cost_paypal_little(connect, sandbox):
    provider, base = connect(), sandbox.settings("paypal")["API_BASE"]
    notice, now = NOTICES[0], time.time()
    fresh = datetime.fromtimestamp(now, tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    for number in range(30):
        url = f"{base}/v1/notifications/certs/CERT-{number}"
        headers = {**notice.headers, "paypal-cert-url": url, "paypal-transmission-time": fresh}
        with pytest.raises(VerificationUnavailable):
            provider.verify_webhook(b"{}", headers, now=now)
    assert len(provider._verifier._fetched_at) == 12
    assert not provider._verifier._known
    assert len(provider._verifier._missing) == 12


def test_invented_names_do_not_keep_a_proven_certificate_from_being_fetched_anew(bench, notices, sandbox):
    bench.paid()
    [heard, *_] = notices.wait_for(1)
    verify, verifier = notices.provider.verify_webhook, notices.provider._verifier
    verify(heard.body, heard.headers, now=time.time())
    [known] = verifier._known
    invented = {**heard.headers, "paypal-cert-url": f"{known.rpartition('/')[0]}/CERT-0"}
    for _ in range(3):
        with pytest.raises(VerificationUnavailable):
            verify(heard.body, invented, now=time.time())
    assert len(verifier._fetched_at) == 2, "one that is not there is asked for once"
    for number in range(1, 15):
        invented["paypal-cert-url"] = f"{known.rpartition('/')[0]}/CERT-{number}"
        with pytest.raises(VerificationUnavailable):
            verify(heard.body, invented, now=time.time())
    verifier._known.clear()  # it ran out, say
    verify(heard.body, heard.headers, now=time.time())


def test_no_more_certificates_are_kept_than_a_few(knows):
    notice = NOTICES[0]
    provider = knows(notice)
    verifier = provider._verifier
    for number in range(40):
        verifier._known[f"x{number}"] = notice.signer()
    verifier._fetched = lambda url, *, now: notice.signer()
    verifier._signer("new", now=notice.sent_at)
    assert len(verifier._known) == 16


# -- postback ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def asking(notices, connect):
    return connect(WEBHOOK_VERIFICATION="postback", WEBHOOK_IDS=[notices.webhook_id])


def test_paypal_is_asked_with_the_very_bytes(bench, notices, asking, sandbox):
    bench.paid(description="caf\u00e9 7.50")
    [heard, *_] = notices.wait_for(1)
    asking.verify_webhook(heard.body, heard.headers, now=time.time())
    with pytest.raises(InvalidSignature):
        asking.verify_webhook(heard.body.replace(b"12.50", b"12.5"), heard.headers, now=time.time())


def test_what_is_no_json_object_is_not_asked_about(bench, notices, asking, sandbox):
    bench.paid()
    [heard, *_] = notices.wait_for(1)
    before = len(sandbox.calls())
    for body in (b"", b"[]", b"{", heard.body + b', "webhook_id": "X"', b"\xff", heard.body.decode().encode("utf-16")):
        with pytest.raises(InvalidSignature):
            asking.verify_webhook(body, heard.headers, now=time.time())
    assert len(sandbox.calls()) == before


@pytest.mark.parametrize("kind", ["hang", "drip"])
def test_paypal_is_waited_for_no_longer_than_one_deadline_for_all_ids(
    bench, notices, connect, sandbox, monkeypatch, kind
):
    monkeypatch.setattr(verification, "_ASK_DEADLINE_S", 0.6)
    asking = connect(WEBHOOK_VERIFICATION="postback", WEBHOOK_IDS=["WHOLD1", "WHOLD2", notices.webhook_id])
    bench.paid()
    [heard, *_] = notices.wait_for(1)
    asking.verify_webhook(heard.body, heard.headers, now=time.time())
    sandbox.fault(kind, operation="webhooks.verify_signature", times=9, nth=2)
    started = time.monotonic()
    with pytest.raises(VerificationUnavailable):
        asking.verify_webhook(heard.body, heard.headers, now=time.time())
    assert time.monotonic() - started < 1.5


def test_while_paypal_does_not_answer_nothing_is_accepted(bench, notices, asking, sandbox):
    bench.paid()
    [heard, *_] = notices.wait_for(1)
    for fault in ({"kind": "status", "status": 500}, {"kind": "reset"}, {"kind": "garbage"}):
        sandbox.fault(**fault)
        with pytest.raises(VerificationUnavailable):
            asking.verify_webhook(heard.body, heard.headers, now=time.time())
        sandbox.clear_faults()

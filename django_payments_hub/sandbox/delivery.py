"""Webhook deliveries: queued per endpoint, signed anew for each try, retried with growing pauses.

Endpoints are served in parallel, each endpoint in the order its notices fell due. A policy, per account or for all,
holds, drops, doubles, delays or reverses what is sent.
"""

import heapq
import itertools
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field

from django_payments_hub.sandbox.outbound import Failure, post
from django_payments_hub.sandbox.wire import Json, random_id

RETRY_PAUSES_S = (0.5, 1, 2, 4, 8, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14400)
TIMEOUT_S = 10.0
Signer = Callable[[bytes, int], dict[str, str]]


@dataclass(frozen=True, kw_only=True)
class Retry:
    """What is known when a notice is sent again: how often it was sent before, and how the last try ended."""

    number: int
    status: int | None
    error: str | None


@dataclass(frozen=True, kw_only=True)
class Notice:
    """One event for one endpoint. ``sign`` gives the headers for a body sent at a time in Unix seconds, and ``again``
    those that a renewed try has beside them.
    """

    account: str
    event_id: str
    type: str
    endpoint_id: str
    url: str
    body: bytes
    sign: Signer
    again: Callable[[Retry], dict[str, str]] | None = None
    method: str = "POST"
    queue: str = ""  # notices of one queue are sent in order; the address names it when nothing else does
    tries: int | None = None  # at most so many, where the provider says so
    refuses: Callable[[bytes], str | None] = lambda _answer: None  # why a 2xx is no acknowledgement after all
    done: Callable[[], None] = lambda: None
    # Takes (body, headers, timeout in s) instead of a POST and gives a status; such a delivery is not retried
    send: Callable[[bytes, dict[str, str], float], int] | None = None


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One try as the control API shows it; ``status`` is None when there was no answer."""

    seq: int
    event_id: str
    type: str
    account: str
    endpoint_id: str
    url: str
    attempt: int
    status: int | None
    error: str | None
    at: float


@dataclass(kw_only=True)
class Policy:
    """How the deliveries of an account are handled. ``drop`` counts down; ``duplicate`` adds copies to each notice."""

    hold: bool = False
    drop: int = 0
    duplicate: int = 0
    delay_s: float = 0.0
    reverse: bool = False
    before_answer: bool = False
    retry_scale: float = 1.0
    max_attempts: int = len(RETRY_PAUSES_S) + 1
    timeout_s: float = TIMEOUT_S
    skew_s: int = 0


@dataclass(order=True)
class _Job:
    due: float
    seq: int
    notice: Notice = field(compare=False)
    retry: Retry | None = field(compare=False, default=None)


class DeliveryQueue:
    """The worker threads and their queues; nothing here holds the sandbox's state lock."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._queues: dict[str, list[_Job]] = {}
        self._busy = 0
        self._seq = itertools.count(1)
        self._generation = 0
        self._held: list[Notice] = []
        self._attempts: list[Attempt] = []
        self._policies: dict[str, Policy] = {}

    # Policies ---------------------------------------------------------------------------------------------------------

    def policy(self, account: str) -> Policy:
        """The account's policy, else the one for all."""
        with self._changed:
            return self._policies.get(account) or self._policies.setdefault("*", Policy())

    def set_policy(self, account: str, changes: Json) -> Policy:
        """Change a policy ("*" is the one for all). Raises ValueError for a name it has not."""
        unknown = set(changes) - set(Policy.__dataclass_fields__)
        if unknown:
            raise ValueError(f"unknown: {', '.join(sorted(unknown))}")
        with self._changed:
            base = self._policies.get(account) or self._policies.get("*") or Policy()
            policy = Policy(**{**asdict(base), **changes})
            self._policies[account] = policy
            return policy

    # Sending ----------------------------------------------------------------------------------------------------------

    def announce(self, notices: list[Notice]) -> None:
        """Take the notices that one call gave rise to, in order; waits for them where the policy says so."""
        if not notices:
            return
        policy = self.policy(notices[0].account)
        kept = self._not_dropped(notices, policy)
        if policy.reverse:
            kept.reverse()
        if policy.hold:
            with self._changed:
                self._held.extend(kept)
            return
        copies = [notice for notice in kept for _ in range(1 + policy.duplicate)]
        if policy.before_answer:
            for notice in copies:
                self._attempt(notice, None)
            return
        self.enqueue(copies, delay_s=policy.delay_s)

    def _not_dropped(self, notices: list[Notice], policy: Policy) -> list[Notice]:
        with self._changed:
            dropped = min(policy.drop, len(notices))
            policy.drop -= dropped
            for notice in notices[:dropped]:
                self._record(notice, 0, None, "dropped by policy")
        return notices[dropped:]

    def enqueue(self, notices: Iterable[Notice], *, delay_s: float = 0.0, retry: Retry | None = None) -> None:
        """Queue notices for their endpoints' workers."""
        with self._changed:
            for notice in notices:
                job = _Job(time.monotonic() + delay_s, next(self._seq), notice, retry)
                name = notice.queue or notice.url
                queue = self._queues.get(name)
                if queue is None:
                    queue = self._queues[name] = []
                    self._start_worker(name)
                heapq.heappush(queue, job)
            self._changed.notify_all()

    def flush(self, *, reverse: bool = False, event_ids: list[str] | None = None) -> int:
        """Send the held notices: all, or those of the named events in the order named. How many it sent."""
        with self._changed:
            chosen = self._chosen(event_ids)
            self._held = [notice for notice in self._held if notice not in chosen]
        if reverse:
            chosen.reverse()
        self.enqueue(chosen)
        return len(chosen)

    def _chosen(self, event_ids: list[str] | None) -> list[Notice]:
        if event_ids is None:
            return list(self._held)
        return [notice for event_id in event_ids for notice in self._held if notice.event_id == event_id]

    def held(self) -> list[dict[str, str]]:
        """What waits for a flush."""
        with self._changed:
            return [{"event_id": n.event_id, "type": n.type, "url": n.url} for n in self._held]

    def send_now(self, notices: list[Notice], *, times: int, concurrently: bool) -> list[int | None]:
        """Send each notice ``times`` times outside the queue, one after the other or all at once; the statuses."""
        copies = [notice for notice in notices for _ in range(times)]
        if not concurrently:
            return [self._post(notice, None)[0] for notice in copies]
        statuses: list[int | None] = [None] * len(copies)
        barrier = threading.Barrier(len(copies))

        def send(position: int) -> None:
            barrier.wait()
            statuses[position] = self._post(copies[position], None)[0]

        threads = [threading.Thread(target=send, args=(n,), daemon=True) for n in range(len(copies))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return statuses

    # Workers ----------------------------------------------------------------------------------------------------------

    def _start_worker(self, queue: str) -> None:
        name = f"deliver-{random_id(4)}"
        threading.Thread(target=self._work, args=(queue, self._generation), name=name, daemon=True).start()

    def _work(self, queue: str, generation: int) -> None:
        while (job := self._next(queue, generation)) is not None:
            try:
                self._attempt(job.notice, job.retry)
            finally:
                with self._changed:
                    self._busy -= 1
                    self._changed.notify_all()

    def _next(self, queue: str, generation: int) -> _Job | None:
        with self._changed:
            while generation == self._generation:
                jobs = self._queues[queue]
                wait_s = jobs[0].due - time.monotonic() if jobs else None
                if wait_s is not None and wait_s <= 0:
                    self._busy += 1
                    return heapq.heappop(jobs)
                self._changed.wait(wait_s)
            return None

    def _attempt(self, notice: Notice, retry: Retry | None) -> None:
        generation = self._generation
        attempt = 1 + (retry.number if retry else 0)
        status, error = self._post(notice, retry)
        if status is not None and 200 <= status < 300 and error is None:
            notice.done()
            return
        policy = self.policy(notice.account)
        tries = min(policy.max_attempts, notice.tries or policy.max_attempts)
        if notice.send is None and attempt < tries and generation == self._generation:
            pause = RETRY_PAUSES_S[min(attempt, len(RETRY_PAUSES_S)) - 1] * policy.retry_scale
            self.enqueue([notice], delay_s=pause, retry=Retry(number=attempt, status=status, error=error))

    def _post(self, notice: Notice, retry: Retry | None) -> tuple[int | None, str | None]:
        policy = self.policy(notice.account)
        status: int | None = None
        error: str | None = None
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            **notice.sign(notice.body, int(time.time()) + policy.skew_s),
            **(notice.again(retry) if notice.again and retry else {}),
        }
        try:
            status, error = _send(notice, headers, policy.timeout_s)
        except Failure as failure:
            error = f"{type(failure).__name__}: {failure}"
        with self._changed:
            self._record(notice, 1 + (retry.number if retry else 0), status, error)
        return status, error

    def _record(self, notice: Notice, attempt: int, status: int | None, error: str | None) -> None:
        self._attempts.append(
            Attempt(
                seq=len(self._attempts) + 1,
                event_id=notice.event_id,
                type=notice.type,
                account=notice.account,
                endpoint_id=notice.endpoint_id,
                url=notice.url,
                attempt=attempt,
                status=status,
                error=error,
                at=time.time(),
            )
        )

    # Looking ----------------------------------------------------------------------------------------------------------

    def attempts(self) -> list[dict[str, object]]:
        """Every try so far, in the order they ended."""
        with self._changed:
            return [asdict(attempt) for attempt in self._attempts]

    def wait_idle(self, timeout_s: float) -> bool:
        """Wait until nothing is queued or in flight (held notices do not count). False when time runs out."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._busy and not any(self._queues.values()), timeout_s)

    def clear(self) -> None:
        """Forget everything queued, held, recorded and set; the workers end."""
        with self._changed:
            self._generation += 1
            self._queues = {}
            self._held = []
            self._attempts = []
            self._policies = {}
            self._changed.notify_all()


def _send(notice: Notice, headers: dict[str, str], timeout_s: float) -> tuple[int, str | None]:
    if notice.send is not None:
        return notice.send(notice.body, headers, timeout_s), None
    status, answer = post(notice.url, notice.body, headers, timeout_s=timeout_s, method=notice.method)
    return status, notice.refuses(answer) if 200 <= status < 300 else None

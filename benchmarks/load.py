"""The load, a process of its own: `python -m benchmarks.load` reads one job per line as JSON and answers each.

Job: url, secret, prefix (of the event ids), count, connections. Answer: seconds, statuses (how many of each).
Everything is made and signed before the clock starts; connections are kept alive.
"""

from __future__ import annotations

import json
import socket
import sys
import threading
import time
from collections import Counter
from urllib.parse import urlsplit

from benchmarks import events


def _requests(job: dict[str, str], count: int) -> list[bytes]:
    address = urlsplit(job["url"])
    made = []
    for number in range(count):
        body = events.body_of(f"evt_{job['prefix']}{number:016d}")
        head = (
            f"POST {address.path} HTTP/1.1\r\nHost: {address.netloc}\r\nUser-Agent: Stripe/1.0\r\nAccept: */*\r\n"
            f"Content-Type: application/json; charset=utf-8\r\nContent-Length: {len(body)}\r\n"
            f"Stripe-Signature: {events.signature(body, job['secret'])}\r\n\r\n"
        )
        made.append(head.encode() + body)
    return made


class _Connection:
    """One kept-alive connection that sends its share, one request after the other."""

    def __init__(self, host: str, port: int, requests: list[bytes]):
        self._address, self._requests = (host, port), requests
        self.statuses: Counter[str] = Counter()

    def run(self) -> None:
        with socket.create_connection(self._address, timeout=30) as link:
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for request in self._requests:
                link.sendall(request)
                self.statuses[self._read(link)] += 1

    @staticmethod
    def _read(link: socket.socket) -> str:
        data = b""
        while b"\r\n\r\n" not in data:
            data += _more(link)
        head, _, rest = data.partition(b"\r\n\r\n")
        length = next(
            (int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
        )
        while len(rest) < length:
            rest += _more(link)
        return head.split(b" ", 2)[1].decode()


def _more(link: socket.socket) -> bytes:
    data = link.recv(65536)
    if not data:
        raise ConnectionError("The server closed a kept-alive connection.")
    return data


def run(job: dict[str, str]) -> dict[str, object]:
    """Do one job."""
    address, lanes = urlsplit(job["url"]), int(job["connections"])
    requests = _requests(job, int(job["count"]))
    connections = [
        _Connection(address.hostname or "", address.port or 80, requests[lane::lanes]) for lane in range(lanes)
    ]
    threads = [threading.Thread(target=connection.run) for connection in connections]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - started
    statuses: Counter[str] = sum((connection.statuses for connection in connections), Counter())
    return {"seconds": seconds, "statuses": statuses}


def main() -> None:
    """Answer jobs until the input ends."""
    for line in sys.stdin:
        print(json.dumps(run(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()

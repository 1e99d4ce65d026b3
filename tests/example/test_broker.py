"""The filesystem broker: a message is seen when it is whole."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from queue import Empty
from typing import Any

import pytest

from example_project.broker import Channel
from example_project.celery import app


@pytest.fixture
def channel(tmp_path: Path) -> Iterator[Channel]:
    options = {"data_folder_in": str(tmp_path), "data_folder_out": str(tmp_path), "control_folder": str(tmp_path)}
    with app.connection_for_write("filesystem://", transport_options=options) as connection:
        found: Any = connection.default_channel
        yield found


def test_a_reader_meets_no_half_of_a_message(channel: Channel, tmp_path: Path) -> None:
    # given a worker who looks for messages while one is being written
    class Part:
        def __json__(self) -> str:
            with pytest.raises(Empty):
                channel._get("celery")
            return "part"

    # when it is put down
    channel._put("celery", {"parts": [Part(), Part()]})
    # then it comes whole, once, and nothing is left behind
    assert channel._get("celery") == {"parts": ["part", "part"]}
    with pytest.raises(Empty):
        channel._get("celery")
    assert list(tmp_path.iterdir()) == []


def test_messages_come_in_the_order_they_were_put_down_each_to_its_queue(
    channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    times = iter([1001.0, 1002.0, 1003.0])
    monkeypatch.setattr("time.monotonic", lambda: next(times))
    for queue, number in [("celery", 1), ("other.queue", 2), ("celery", 3)]:
        channel._put(queue, {"number": number})
    assert [channel._get("celery")["number"] for _ in range(2)] == [1, 3]
    assert channel._get("other.queue") == {"number": 2}


def test_the_url_of_another_broker_means_that_broker() -> None:
    for url, module in [("memory://", "memory"), ("redis://127.0.0.1:6379/5", "redis"), ("amqp://127.0.0.1", "pyamqp")]:
        assert type(app.connection_for_write(url).transport).__module__ == f"kombu.transport.{module}"

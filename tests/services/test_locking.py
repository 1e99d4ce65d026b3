"""F28: a transaction given up by the database for another's sake is run again, a few times, and nothing else is."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, OperationalError, transaction

from django_payments_hub.services.locking import again_as_victim
from example_project.shop.models import Order

pytestmark = pytest.mark.django_db(transaction=True)


class _PostgresError(Exception):
    """What psycopg raises, as far as it is looked at; a real deadlock is raced for in test_races.py, on MariaDB."""

    def __init__(self, sqlstate: str):
        self.sqlstate = sqlstate


def victim(sqlstate: str = "", code: int | str = "") -> OperationalError:
    error = OperationalError(code, "Deadlock found when trying to get lock")
    error.__cause__ = _PostgresError(sqlstate) if sqlstate else None
    return error


class Step:
    """Writes an order and fails so often first, in the same transaction."""

    def __init__(self, failures: int, error: Exception):
        self.left, self.error, self.runs = failures, error, 0

    def __call__(self) -> int:
        self.runs += 1
        with transaction.atomic():
            Order.objects.create()
            if self.left:
                self.left -= 1
                raise self.error
        return self.runs


@pytest.mark.parametrize("error", [victim("40P01"), victim("40001"), victim(code=1213)], ids=["40P01", "40001", "1213"])
def test_a_victim_runs_again_and_leaves_nothing_of_its_first_run(error: OperationalError) -> None:
    assert again_as_victim(Step(2, error)) == 3
    assert Order.objects.count() == 1


def test_after_a_few_runs_it_is_told() -> None:
    step = Step(99, victim("40P01"))
    with pytest.raises(OperationalError):
        again_as_victim(step)
    assert step.runs == 4
    assert not Order.objects.exists()


@pytest.mark.parametrize("error", [victim("53300"), victim(code=2006), OperationalError(), IntegrityError(1062, "x")])
def test_nothing_else_is_run_again(error: Exception) -> None:
    step = Step(1, error)
    with pytest.raises(type(error)):
        again_as_victim(step)
    assert step.runs == 1

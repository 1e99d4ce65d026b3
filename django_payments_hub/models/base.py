"""What the hub's models share: keys, fields and the refusal to lose the books."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, TypeVar

import uuid6
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.deletion import ProtectedError
from django.utils.translation import gettext_lazy as _

from django_payments_hub.domain.statuses import Mode

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def new_id() -> uuid.UUID:
    """A UUIDv7: ordered by time, so that a list by key is a list by age."""
    return uuid.UUID(int=uuid6.uuid7().int)


def first_id_at(moment: datetime) -> uuid.UUID:
    """The smallest key that a row made at this moment, or later, can have."""
    return uuid.UUID(int=int(moment.timestamp() * 1000) << 80)


def human_number(prefix: str, key: uuid.UUID) -> str:
    """A short number to say on the telephone, from the random part of the key: `P-7K3F9-Q2MXA`."""
    bits = key.int
    text = "".join(_CROCKFORD[(bits >> (5 * place)) & 31] for place in range(10))
    return f"{prefix}-{text[:5]}-{text[5:]}"


if TYPE_CHECKING:  # django-stubs know which of Django's own fields may be NULL, not a subclass's
    ProviderIdField = models.CharField
else:

    class ProviderIdField(models.CharField):
        """Text compared byte by byte on every database.

        MariaDB's default collation takes `evt_a` and `evt_A` for the same, which would lose one of two notifications.
        """

        def db_parameters(self, connection: BaseDatabaseWrapper) -> dict[str, str | None]:
            parameters = super().db_parameters(connection)
            if connection.vendor == "mysql":
                parameters["collation"] = "utf8mb4_bin"
            return parameters


class HubModel(models.Model):
    """A row with a UUIDv7 key."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)

    class Meta:
        abstract = True


_Row = TypeVar("_Row", bound=models.Model)


class LedgerQuerySet(models.QuerySet[_Row]):
    """Rows of the books: they are never deleted in bulk."""

    def delete(self) -> NoReturn:
        raise ProtectedError(_protected(self.model), set(self[:10]))


class AppendOnlyQuerySet(LedgerQuerySet[_Row]):
    """Rows that are written once."""

    def update(self, **_kwargs: object) -> NoReturn:
        raise ProtectedError(_protected(self.model), set(self[:10]))


def _protected(model: type[models.Model]) -> str:
    return f"{model.__name__} belongs to the ledger: it is kept."


class LedgerModel(HubModel):
    """A row of the books: no delete (I15)."""

    objects: ClassVar = LedgerQuerySet.as_manager()

    class Meta:
        abstract = True

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise ProtectedError(_protected(type(self)), {self})


class AppendOnlyModel(LedgerModel):
    """A row of the books that is written once (I15)."""

    objects: ClassVar = AppendOnlyQuerySet.as_manager()

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise ProtectedError(_protected(type(self)), {self})
        super().save(*args, **kwargs)


def mode_field() -> models.CharField[str, str]:
    """Whether real money moves on this row."""
    return models.CharField(_("mode"), max_length=8, choices=[(mode.value, mode.value) for mode in Mode])


def minor_field(label: object) -> models.BigIntegerField[int, int]:
    """An amount in minor units of the row's currency."""
    return models.BigIntegerField(label, default=0)  # type: ignore[arg-type]


def choices(words: type[Any]) -> list[tuple[str, Any]]:
    """Choices of a status field, translatable."""
    return [(word.value, _(word.value.replace("_", " "))) for word in words]

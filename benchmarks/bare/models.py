"""The smallest inbox that tells a duplicate from a new notice."""

from __future__ import annotations

from django.db import models


class BareNotice(models.Model):
    """A notice as it came."""

    event_id = models.CharField(max_length=255, unique=True)
    body = models.TextField()
    received_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        app_label = "bare"

    def __str__(self) -> str:
        return self.event_id

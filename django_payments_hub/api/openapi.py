"""Placeholder."""

from drf_spectacular.openapi import AutoSchema


class ContractAutoSchema(AutoSchema):
    pass

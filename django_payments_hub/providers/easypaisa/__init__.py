"""EasyPaisa (Easypay), for merchants in Pakistan: hosted checkout, mobile accounts and vouchers.

Written after the "Easypay Merchant Integration Guide for Production" (2017) for the hosted checkout, and after public
clients of the REST interface v4, which the guide does not describe.
"""

from django_payments_hub.providers.easypaisa.provider import Provider

__all__ = ["Provider"]

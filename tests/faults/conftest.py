from tests.merchant_fixtures import merchant

__all__ = ["merchant"]

"""EasyPaisa as the integration guide of 2017 and the public code of its merchants describe it."""

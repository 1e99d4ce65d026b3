"""Start the sandbox: ``python -m django_payments_hub.sandbox [--host] [--port] [--clock]``."""

import sys

from django_payments_hub.sandbox.server import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

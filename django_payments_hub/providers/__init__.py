"""One module per provider, each with a class `Provider`, found by name through the registry."""

"""The chapters of the story; each tells its part to a `Story`."""

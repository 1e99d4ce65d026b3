"""JazzCash as its published documents and the public code of its merchants describe it."""

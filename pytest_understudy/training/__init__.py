"""The last rung: a small model learns from examples, on a CPU."""

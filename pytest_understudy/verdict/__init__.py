"""What to do: figures of a route, the gate, the promotion."""

"""How it is asked: a model at an endpoint, with controls, at a price."""

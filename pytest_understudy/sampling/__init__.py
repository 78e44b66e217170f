"""Drawing samples: plans, the engine that draws them, the record that keeps them."""

"""How it is told: the table and what else people look at."""

"""A demonstration on one machine: sample keys, a sample source, the gateway, and three partners that ask it."""

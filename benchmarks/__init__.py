"""What things cost, each figure a ratio taken in one run. ``python -m benchmarks`` runs all of them."""

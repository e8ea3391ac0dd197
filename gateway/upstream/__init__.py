"""The source systems: one bounded, suspicious HTTP client, and the walk over a collection's pages."""

"""A sample source system shaped like the Unified Data Library: a development aid, not a part of the gateway.

It serves four data types over HTTP with the paths, parameters and field names that the public ``udl-sdk``
uses. The orbits in it are published facts; **every marking, source, originator and notice in it is
fictional**.

The rule of this package: it imports nothing of the gateway, and the gateway imports nothing of it. What it
serves is decided by a seed and nothing else, so that a test can compute the right answer by itself.

* :func:`sample_source.tables.build_tables` makes the records.
* :func:`sample_source.app.build_app` makes the service.
* :func:`sample_source.serve.serving` runs it on a loopback port for as long as a ``with`` block lasts.
"""

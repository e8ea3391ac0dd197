"""The audit log: an append-only Merkle log of every answer and event, with receipts that stand by themselves.

Start with :mod:`gateway.audit.log` (what the gateway uses) and :mod:`gateway.audit.entry` (what an entry
says). The pure parts are :mod:`merkle`, :mod:`checkpoint`, :mod:`receipt` and :mod:`tiles`; the rules of
writing are in :mod:`writer`, those of checking a whole log in :mod:`verification`.
"""

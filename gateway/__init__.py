"""Releasability Gateway: every partner gets exactly what it may have, and an auditor can prove it.

Read :mod:`gateway.markings`, then :mod:`gateway.policy`, then :mod:`gateway.release`, and you know the system.
"""

__version__ = "0.1.0"

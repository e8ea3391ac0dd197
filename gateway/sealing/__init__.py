"""Sealing: content goes out signed by the gateway and encrypted to the partner's registered key.

:mod:`gateway.sealing.jwe` is what the pipeline calls; :mod:`gateway.sealing.signature` is the signature
inside. The form is described for partners in ``docs/sealing.md``.
"""

from gateway.sealing.errors import SealingError
from gateway.sealing.jwe import MEDIA_TYPE, Opened, SequenceOpener, addressed_to, open_sealed, open_sequence, seal

__all__ = [
    "MEDIA_TYPE",
    "Opened",
    "SealingError",
    "SequenceOpener",
    "addressed_to",
    "open_sealed",
    "open_sequence",
    "seal",
]

"""Security policy information files (XML SPIF 2.1): any nation's or NATO's policy, loaded and asked.

Read :mod:`~gateway.markings.spif.policy` first: it is the whole of what a policy can be asked. Behind it stand the
values (``model``), the reading of a file (``load``, ``loadrules``, ``references``), and one module for each question
(``rules``, ``phrases``, ``decision``, ``equivalents``).
"""

from gateway.markings.spif.decision import Access
from gateway.markings.spif.equivalents import CodedCategory, CodedLabel
from gateway.markings.spif.model import SpifError, Tolerated
from gateway.markings.spif.policy import ProfileRegistry, SpifPolicy, SpifProfile, load_spif

__all__ = [
    "Access",
    "CodedCategory",
    "CodedLabel",
    "ProfileRegistry",
    "SpifError",
    "SpifPolicy",
    "SpifProfile",
    "Tolerated",
    "load_spif",
]

"""A policy set as it was loaded: every file read, checked against the others, and bound by one digest.

The digest is SHA-256 over the manifest's canonical JSON: every file's path and SHA-256, and the RFC 7638
thumbprints of every partner's keys. Two sets with one digest say the same, byte for byte.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from gateway import markings
from gateway.markings.equivalence import LevelTable
from gateway.policy.cases import CasesFile
from gateway.policy.dataset import DatasetFile
from gateway.policy.decision import PartnerKind
from gateway.policy.grants import EmergencyTable, GrantTable, PartnerDenyTable, RedelegationTable, VolumeTable
from gateway.policy.levels import read_levels
from gateway.policy.owners import OwnerTable
from gateway.policy.partner import AgreementTable, ChannelTable, ConsentTable, IdentityTable, PartnerFile, SystemTable
from gateway.policy.partnerkeys import PartnerKey
from gateway.policy.setwide import CommunityTable, SetFile


@dataclass(frozen=True, slots=True)
class Partner:
    """The holder of an agreement: what its file says, and its public keys.

    ``grants`` are all rules that let records go: grants, alerts and emergencies.
    """

    code: str
    name: str
    kind: PartnerKind
    nation: str | None
    agreement: AgreementTable
    ceiling: Mapping[str, str]
    channel: ChannelTable
    identity: IdentityTable
    systems: Mapping[str, SystemTable]
    consents: tuple[ConsentTable, ...]
    grants: tuple[GrantTable, ...]
    denies: tuple[PartnerDenyTable, ...]
    signing_keys: tuple[PartnerKey, ...]
    recipient_keys: tuple[PartnerKey, ...]
    levels: LevelTable
    volumes: tuple[VolumeTable, ...] = ()
    redelegation: RedelegationTable | None = None

    @classmethod
    def of(cls, file: PartnerFile, keys: tuple[PartnerKey, ...], policies: Iterable[markings.SpifPolicy]) -> Partner:
        """The partner that a file and its keys describe, and the set's security policies. Rules come sorted by id:
        their order never matters.
        """
        return cls(
            code=file.partner,
            name=file.name,
            kind=file.kind,
            nation=file.nation,
            agreement=file.agreement,
            ceiling=dict(file.ceiling),
            channel=file.channel,
            identity=file.identity,
            systems={system.id: system for system in file.system},
            consents=file.consent,
            grants=tuple(sorted((rule for _, rule in file.releasing()), key=lambda rule: rule.id)),
            denies=tuple(sorted(file.deny, key=lambda deny: deny.id)),
            signing_keys=tuple(key for key in keys if key.use == "sig"),
            recipient_keys=tuple(key for key in keys if key.use == "enc"),
            levels=read_levels(file.agreement.instrument, file.level, policies),
            volumes=tuple(sorted(file.procedures.volume, key=lambda volume: volume.id)),
            redelegation=file.redelegation,
        )

    @property
    def own_codes(self) -> frozenset[str]:
        """The codes under which material is this partner's own. A company's nation is not the company."""
        if self.kind is PartnerKind.GOVERNMENT and self.nation is not None:
            return frozenset({self.code, self.nation})
        return frozenset({self.code})

    @property
    def datasets(self) -> frozenset[str]:
        """The datasets that at least one grant speaks of."""
        return frozenset(grant.dataset for grant in self.grants)


@dataclass(frozen=True, slots=True)
class PolicySet:
    """Everything an activation puts in force. ``manifest`` maps each path to its SHA-256 in hexadecimal.

    ``key_thumbprints`` maps each key file's path to the RFC 7638 thumbprints in it, sorted. ``tables`` maps
    each table's name (``countries-and-communities``, ``object-owners``, ``profile:NAME``, and ``levels:CODE`` for a
    partner whose agreement maps foreign levels) to its digest.
    ``labellers`` maps a source to the keys that bind its markings to its records.
    ``profiles`` are the marking profiles the datasets use, reading the set's own communities too. ``cases`` are
    officers' expectations, by path: no decision reads them. ``policies`` are the set's security policies by the name of
    their profile, whether a dataset uses them or not.
    """

    manifest: Mapping[str, str]
    key_thumbprints: Mapping[str, tuple[str, ...]]
    partners: Mapping[str, Partner]
    datasets: Mapping[str, DatasetFile]
    settings: SetFile
    communities: markings.Tables
    profiles: Mapping[str, markings.Profile]
    owners: OwnerTable
    casbin_model: str
    labellers: Mapping[str, tuple[PartnerKey, ...]] = field(default_factory=dict)
    cases: Mapping[str, CasesFile] = field(default_factory=dict)
    own_communities: tuple[CommunityTable, ...] = ()
    policies: Mapping[str, markings.SpifPolicy] = field(default_factory=dict)

    def emergency(self, partner: str, name: str) -> EmergencyTable | None:
        """The emergency of this name that the partner's file holds ready, if it holds one."""
        held = self.partners.get(partner)
        rules = () if held is None else held.grants
        return next((rule for rule in rules if isinstance(rule, EmergencyTable) and rule.id == name), None)

    def emergency_ends(self, partner: str, name: str, opened: datetime) -> datetime | None:
        """When an emergency that was opened then ends; ``None`` where the set holds none of this name."""
        rule = self.emergency(partner, name)
        return None if rule is None else opened + rule.lasts

    @property
    def manifest_bytes(self) -> bytes:
        """The manifest's canonical JSON: every file's SHA-256 and every key's thumbprint."""
        manifest = {
            "files": dict(self.manifest),
            "keys": {path: list(prints) for path, prints in self.key_thumbprints.items()},
            "version": 1,
        }
        return json.dumps(manifest, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()

    @property
    def digest(self) -> str:
        """SHA-256 of :attr:`manifest_bytes`, in hexadecimal."""
        return hashlib.sha256(self.manifest_bytes).hexdigest()

    @property
    def table_texts(self) -> tuple[bytes, ...]:
        """What the digests of :attr:`tables` are over, where that is no file of the set: what the log keeps of them."""
        profiles = (profile.text for profile in self.profiles.values())
        levels = (each.levels.text for each in self.partners.values() if each.levels.rows)
        return tuple(dict.fromkeys(text.encode() for text in (self.communities.text, *profiles, *levels)))

    @property
    def tables(self) -> Mapping[str, str]:
        """Digests of the tables decisions are read from."""
        digests = {f"profile:{name}": profile.digest for name, profile in self.profiles.items()}
        digests |= {f"profile:{name}": policy.profile.digest for name, policy in self.policies.items()}
        digests |= {f"levels:{code}": each.levels.digest for code, each in self.partners.items() if each.levels.rows}
        return {
            "countries-and-communities": self.communities.digest,
            "object-owners": self.owners.digest,
            **digests,
        }

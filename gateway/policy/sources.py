"""The files of a policy set, read one by one and not yet checked against each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from gateway import markings
from gateway.policy.cases import CasesFile
from gateway.policy.dataset import DatasetFile
from gateway.policy.errors import PolicyFinding
from gateway.policy.locate import Path, dotted, locate
from gateway.policy.owners import OwnerTable
from gateway.policy.partner import PartnerFile
from gateway.policy.partnerkeys import PartnerKey
from gateway.policy.setwide import CommunityTable, SetFile


@dataclass(frozen=True, slots=True)
class Sources:
    """Everything that was read, by path, and where each field stands."""

    settings: SetFile
    datasets: Mapping[str, DatasetFile]
    partners: Mapping[str, PartnerFile]
    keys: Mapping[str, tuple[PartnerKey, ...]]
    tables: markings.Tables
    owners: OwnerTable
    casbin_model: str
    places: Mapping[str, dict[Path, tuple[int, int]]]
    labellers: Mapping[str, tuple[PartnerKey, ...]] = field(default_factory=dict)
    cases: Mapping[str, CasesFile] = field(default_factory=dict)
    own_communities: tuple[CommunityTable, ...] = ()
    policies: Mapping[str, markings.SpifPolicy] = field(default_factory=dict)

    @property
    def by_policy(self) -> Mapping[str, markings.SpifPolicy]:
        """The security policies by the name of their profile; ``policies`` has them by path."""
        return {policy.profile.name: policy for policy in self.policies.values()}

    def profile(self, dataset: DatasetFile) -> markings.Profile | markings.SpifPolicy:
        """How the dataset's labels are read; the name is known, since the files were checked against each other."""
        if dataset.under_policy:
            return self.by_policy[dataset.profile]
        return markings.profile(dataset.profile).with_tables(self.tables)

    def finding(self, path: str, where: Sequence[str | int], message: str, hint: str = "") -> PolicyFinding:
        """A finding about one field of a file, at the line where it stands."""
        line, column = locate(self.places.get(path, {}), where)
        return PolicyFinding(path, line, column, dotted(where), message, hint)

    @property
    def by_dataset(self) -> Mapping[str, DatasetFile]:
        """The dataset files by the name they give."""
        return {file.dataset: file for file in self.datasets.values()}

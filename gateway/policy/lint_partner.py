"""Lint of a partner's frame: agreement, conditions, keys, systems, consents. Its grants are in ``lint_rules``."""

from __future__ import annotations

from gateway import markings
from gateway.policy import lint_procedures
from gateway.policy.decision import PartnerKind
from gateway.policy.linting import Linting
from gateway.policy.partner import ConsentTable, PartnerFile

THIRD_PARTY = "THIRD-PARTY"
_OWNED = frozenset({"PR", "DS"})


def examine(linting: Linting, path: str, partner: PartnerFile) -> None:
    """Look at one partner file. One whose agreement has ended is left alone: it releases nothing."""
    _lists(linting, path, partner)
    if partner.agreement.until <= linting.at:
        return
    _lapsing(linting, path, partner)
    _covered(linting, path, partner)
    _systems(linting, path, partner)
    _keys(linting, path, partner)
    lint_procedures.examine(linting, path, partner)
    for index, consent in enumerate(partner.consent):
        _consent(linting, path, partner, index, consent)


def _lists(linting: Linting, path: str, partner: PartnerFile) -> None:
    named: list[tuple[list[str | int], tuple[str, ...]]] = [
        (["agreement", "datasets"], partner.agreement.datasets),
        (["agreement", "purposes"], partner.agreement.purposes),
    ]
    named += [([*field, "purposes"], grant.purposes) for field, grant in partner.releasing()]
    named += [([*field, "drop"], grant.drop) for field, grant in partner.releasing()]
    for field, names in named:
        for name in sorted({name for name in names if names.count(name) > 1}):
            linting.report("said-twice", path, field, f"{name} stands twice", "name it once")
    if partner.identity.issuer.startswith("http://"):
        hint = "name the issuer by https"
        linting.report("issuer-in-clear", path, ["identity", "issuer"], "the issuer is named by http", hint)


def _lapsing(linting: Linting, path: str, partner: PartnerFile) -> None:
    if linting.lapses(partner.agreement.until):
        message = f"the agreement ends on {partner.agreement.until.date()}"
        linting.report("agreement-lapses", path, ["agreement", "until"], message, "renew it, or tell the partner")
    for index, condition in enumerate(partner.agreement.condition):
        field: list[str | int] = ["agreement", "condition", index]
        if condition.lapsed(linting.at):
            message = f"condition {condition.id} is not met: nothing is released to {partner.partner}"
            linting.report("condition-lapses", path, field, message, "once it is met again, move met_until")
        elif linting.lapses(condition.met_until):
            message = f"condition {condition.id} lapses on {condition.met_until:%Y-%m-%d}"
            linting.report("condition-lapses", path, [*field, "met_until"], message, "have it met, and move the date")
    for index, consent in enumerate(partner.consent):
        if linting.lapses(consent.until):
            message = f"the consent of {consent.originator} ends on {consent.until.date()}"
            linting.report("consent-lapses", path, ["consent", index, "until"], message, "ask the originator")


def _covered(linting: Linting, path: str, partner: PartnerFile) -> None:
    datasets = {grant.dataset for _, grant in partner.releasing()}
    purposes = {purpose for _, grant in partner.releasing() for purpose in grant.purposes}
    for name in sorted(set(partner.agreement.datasets) - datasets):
        message = f"the agreement covers {name}, and no grant speaks of it"
        linting.report(
            "covered-not-granted", path, ["agreement", "datasets"], message, "grant something, or leave it out"
        )
    for name in sorted(set(partner.agreement.purposes) - purposes):
        message = f"no grant is for {name}"
        hint = "add it to a grant, or leave it out of the agreement"
        linting.report("purpose-not-granted", path, ["agreement", "purposes"], message, hint)


def _systems(linting: Linting, path: str, partner: PartnerFile) -> None:
    if not partner.system:
        hint = "add a [[system]] with its clearance"
        linting.report("no-system", path, ["partner"], "no system is registered, so nobody can ask", hint)
    granted = {purpose for _, grant in partner.releasing() for purpose in grant.purposes}
    for index, system in enumerate(partner.system):
        if system.purposes is not None and not granted & set(system.purposes):
            message = f"no grant is for a purpose of {system.id}"
            hint = "give the system a purpose that is granted, or remove it"
            linting.report("system-idle", path, ["system", index, "purposes"], message, hint)


def _keys(linting: Linting, path: str, partner: PartnerFile) -> None:
    """Keys to seal to and keys that verify tokens; a set that came without any key file is only noted."""
    if not linting.sources.keys:
        return
    keys = linting.sources.keys.get(path.replace("policies/", "keys/").replace(".toml", ".jwks.json"), ())
    for use, what in (("enc", "that answers could be sealed to"), ("sig", "that verifies its tokens")):
        usable = [key for key in keys if key.use == use and key.usable(linting.at)]
        if not usable:
            hint = f"the partner hands in a key with use {use} for keys/partners/{partner.partner}.jwks.json"
            message = f"{partner.partner} has no usable key {what}"
            linting.report("no-usable-key", path, ["partner"], message, hint)
        elif all(linting.lapses(key.expires) for key in usable):
            last = max(key.expires for key in usable if key.expires is not None)
            message = f"the last key {what} expires on {last.date()}"
            linting.report("key-lapses", path, ["partner"], message, "the partner hands in the next key in time")


def _consent(linting: Linting, path: str, partner: PartnerFile, index: int, consent: ConsentTable) -> None:
    """Reasons for which a consent can never open anything."""
    field: list[str | int] = ["consent", index]
    granted = {grant.dataset for _, grant in partner.releasing()}
    own = {partner.partner} | ({partner.nation} if partner.kind is PartnerKind.GOVERNMENT else set())
    for name in sorted(set(consent.datasets) - granted):
        hint = "grant something of the dataset, or leave it out"
        linting.report("consent-idle", path, [*field, "datasets"], f"no grant speaks of {name}", hint)
    if consent.types is not None and consent.control not in _OWNED:
        message = f"{consent.control} has no data types, so a consent limited to some never applies"
        linting.report("consent-idle", path, [*field, "types"], message, "leave types out")
    if consent.originator in own:
        message = "a partner needs nobody's consent for its own material"
        linting.report("consent-idle", path, [*field, "originator"], message, "remove the consent")
    if consent.until <= partner.agreement.from_ or consent.from_ >= partner.agreement.until:
        message = "the consent and the agreement are never in force together"
        linting.report("consent-idle", path, [*field, "from"], message, "mend the dates")
    if consent.control != THIRD_PARTY and _forbidden(linting, consent):
        message = f"{consent.control} is never released, whoever consents"
        linting.report("consent-idle", path, [*field, "control"], message, "remove the consent, or the tightened row")


def _forbidden(linting: Linting, consent: ConsentTable) -> bool:
    """Whether every dataset's release table, tightened, forbids the control outright."""
    kinds = []
    for name in consent.datasets:
        dataset = linting.sources.by_dataset[name]
        profile = linting.sources.profile(dataset)
        row = markings.release_row(profile, consent.control) if isinstance(profile, markings.Profile) else None
        tightened = linting.sources.settings.tighten.get(dataset.profile, {}).get(consent.control)
        kinds.append(tightened == "never" or (row is not None and row.kind is markings.Effect.NEVER))
    return bool(kinds) and all(kinds)

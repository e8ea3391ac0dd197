"""The STANAG 5636 JSON form of an originator's label, as data-centric containers carry it.

    {"ocl": {"pol": POLICY, "cls": CLASSIFICATION, "catl": [{"type": "P", "name": TAG, "vals": [VALUE]}],
     "dcr": TIME}, "context": {"@base": "urn:nato:stanag:5636:A:1:elements:json"}}

The rules kept here:

1. Every name is known and stands once; ``pol``, ``cls`` and ``dcr`` are required, and so is the context.
2. ``pol`` is the policy's identifier: its name, or its object identifier as ``urn:oid:``. Whose it is, a policy says.
3. What the form has no known place for (an alternative label, a privacy mark, a review or succession date, an
   originator) is not written: such a label is refused rather than cut down. Object identifiers of tag sets are left
   out; the policy gives them back.

The standard's text is not public. The form is what public OpenTDF material uses, so more than this is not claimed.
"""

from __future__ import annotations

from typing import Final

from gateway.markings.stanag import (
    OID_PREFIX,
    CategoryType,
    LabelKind,
    SecurityCategory,
    SecurityLabel,
    check_categories,
    check_value,
    read_moment,
    read_oid,
    refuse,
    write_moment,
)
from gateway.markings.strictjson import Json, read_json_object, write_json

STANAG_5636_BASE: Final = "urn:nato:stanag:5636:A:1:elements:json"

_AUTHORITY: Final = "STANAG 5636 JSON form (public OpenTDF fixtures)"
_TYPES: Final = {"R": CategoryType.RESTRICTIVE, "P": CategoryType.PERMISSIVE, "I": CategoryType.INFORMATIVE}
_LETTERS: Final = {kind: letter for letter, kind in _TYPES.items()}


def read_label_json(text: str | bytes) -> SecurityLabel:
    """The label that a STANAG 5636 JSON text is; :class:`MarkingError` when it is refused."""
    whole = read_json_object(text)
    base = whole.get("context")
    said = whole.get("ocl")
    if whole.keys() != {"ocl", "context"} or base != {"@base": STANAG_5636_BASE} or not isinstance(said, dict):
        raise refuse("JSON-LABEL", "the object holds one originator's label and its context", _AUTHORITY)
    if not {"pol", "cls", "dcr"} <= said.keys() <= {"pol", "cls", "catl", "dcr"}:
        raise refuse("JSON-LABEL", "a member of the label is missing or unknown", _AUTHORITY)
    policy = check_value(_text(said["pol"]))
    listed = said.get("catl", [])
    if not isinstance(listed, list):
        raise refuse("JSON-LABEL", "catl is a list", _AUTHORITY)
    return SecurityLabel(
        policy=policy,
        classification=check_value(_text(said["cls"])),
        created=read_moment(_text(said["dcr"])),
        categories=check_categories(tuple(map(_category, listed))),
        policy_id=read_oid(policy) if policy.startswith(OID_PREFIX) else None,
    )


def write_label_json(label: SecurityLabel) -> str:
    """The label as a STANAG 5636 JSON text; :class:`MarkingError` when the form has no place for a part of it."""
    left_out = (label.privacy_mark, label.review, label.succession, label.originator)
    if label.kind not in {LabelKind.ORIGINATOR, LabelKind.PLAIN} or any(part is not None for part in left_out):
        raise refuse("JSON-LABEL", "the JSON form has no known place for a part of this label", _AUTHORITY)
    if label.policy.startswith(OID_PREFIX):
        read_oid(label.policy)
    categories: list[Json] = [
        {
            "type": _LETTERS[category.type],
            "name": check_value(category.tag),
            "vals": [check_value(value) for value in category.values],
        }
        for category in check_categories(label.categories)
    ]
    said: dict[str, Json] = {"pol": check_value(label.policy), "cls": check_value(label.classification)}
    if categories:
        said["catl"] = categories
    said["dcr"] = write_moment(label.created)
    return write_json({"ocl": said, "context": {"@base": STANAG_5636_BASE}})


def _category(value: Json) -> SecurityCategory:
    if not isinstance(value, dict) or value.keys() != {"type", "name", "vals"}:
        raise refuse("JSON-LABEL", "a category has a type, a name and values", _AUTHORITY)
    kind, values = _TYPES.get(_text(value["type"])), value["vals"]
    if kind is None or not isinstance(values, list):
        raise refuse("JSON-LABEL", "a category's type is R, P or I, and its values are a list", _AUTHORITY)
    found = tuple(check_value(_text(each)) for each in values)
    return SecurityCategory(kind, check_value(_text(value["name"])), found)


def _text(value: Json) -> str:
    if not isinstance(value, str):
        raise refuse("JSON-LABEL", "a member that must be text is not", _AUTHORITY)
    return value

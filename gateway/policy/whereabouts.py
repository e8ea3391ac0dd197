"""Where in the files of a set something stands: a field by its path, a rule by its id.

A compiled policy does not remember lines; whoever explains it to an officer asks here. What cannot be placed is
placed at its file, line 0, never at a guess.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gateway.policy.locate import Path, locate, places

Field = Sequence[str | int]


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A file of the set, with line and column from 1; 0 when the file is all that can be told."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


def partner_file(code: str) -> str:
    """The path of a partner's file."""
    return f"policies/partners/{code}.toml"


def dataset_file(name: str) -> str:
    """The path of a dataset's file."""
    return f"policies/datasets/{name}.toml"


def keys_file(code: str) -> str:
    """The path of a partner's public keys."""
    return f"keys/partners/{code}.jwks.json"


class Whereabouts:
    """Places in the files of one set, each file searched once."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._files = files
        self._places: dict[str, dict[Path, tuple[int, int]]] = {}
        self._rules: dict[str, dict[str, tuple[str | int, ...]]] = {}

    def of(self, file: str, field: Field = ()) -> Place:
        """Where a field stands, or the deepest table around it that could be found."""
        line, column = locate(self._seen(file), field)
        return Place(file, line, column)

    def exact(self, file: str, field: Field) -> Place:
        """Where a field stands; the file alone when it is not written there."""
        line, column = self._seen(file).get(tuple(field), (0, 0))
        return Place(file, line, column)

    def rule(self, partner: str, dataset: str, name: str) -> Place:
        """Where the rule of this id stands: in the partner's file or in the dataset's."""
        for file in (partner_file(partner), dataset_file(dataset)):
            found = self.rules(file).get(name)
            if found is not None:
                return self.of(file, found)
        return Place(partner_file(partner))

    def rules(self, file: str) -> Mapping[str, tuple[str | int, ...]]:
        """The rules of a file by id: the path of the table that each is, its index last."""
        if file not in self._rules:
            self._rules[file] = dict(_rules(self._files.get(file, b"")))
        return self._rules[file]

    def _seen(self, file: str) -> dict[Path, tuple[int, int]]:
        if file not in self._places:
            self._places[file] = places(self._files.get(file, b"").decode("utf-8", errors="replace"))
        return self._places[file]


_RULES = (("grant",), ("alert",), ("deny",), ("procedures", "volume"), ("procedures", "emergency"), ("compilation",))
"""Where tables with an id of a rule stand in a partner's or dataset's file."""


def _rules(content: bytes) -> list[tuple[str, tuple[str | int, ...]]]:
    try:
        read = tomllib.loads(content.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError):
        return []
    found: list[tuple[str, tuple[str | int, ...]]] = []
    for path in _RULES:
        for index, table in enumerate(_tables(read, path)):
            if isinstance(table, dict) and isinstance(table.get("id"), str):
                found.append((table["id"], (*path, index)))
    return found


def _tables(read: object, path: tuple[str, ...]) -> list[object]:
    for name in path:
        read = read.get(name) if isinstance(read, dict) else None
    return read if isinstance(read, list) else []

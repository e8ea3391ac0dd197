"""What is wrong with the settings: every problem at once, each with its setting, its place and a way to mend
it.

A problem never quotes the value of a setting that may hold a secret.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class SettingProblem:
    """One setting that cannot be used.

    ``setting`` is its dotted name (``upstream.max_body_bytes``), ``origin`` where it was said
    (``RELGATE_PORT``, a file's path, ``default``), ``message`` what is wrong, ``hint`` what to write instead.
    """

    setting: str
    origin: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        """One line for a terminal, the hint on a second."""
        line = f"{self.setting} ({self.origin}): {self.message}" if self.setting else f"{self.origin}: {self.message}"
        return f"{line}\n  hint: {self.hint}" if self.hint else line


class SettingsError(Exception):
    """The settings do not stand: the operator's to mend. ``problems`` holds every one that was found."""

    def __init__(self, problems: tuple[SettingProblem, ...]) -> None:
        self.problems = problems
        super().__init__("\n".join(str(problem) for problem in problems))


class SettingsFileError(SettingsError):
    """The settings file cannot be read, or is not TOML."""

    def __init__(self, path: Path, message: str, hint: str) -> None:
        self.path = path
        super().__init__((SettingProblem("", str(path), message, hint),))

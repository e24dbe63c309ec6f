"""Passwords: what is taken, and how one is checked; slowly, on purpose (0.2 s)."""

from __future__ import annotations

from typing import Final

from pwdlib import PasswordHash
from pwdlib.exceptions import UnknownHashError
from pwdlib.hashers.argon2 import Argon2Hasher

from flagctl.errors import InvalidError

PASSWORD_MIN_CHARS: Final = 12
PASSWORD_MAX_CHARS: Final = 256


class Passwords:
    """Hashes and checks passwords; tests take cheap parameters."""

    def __init__(self, hasher: Argon2Hasher | None = None) -> None:
        self._hash = PasswordHash((hasher or Argon2Hasher(),))
        # Checked when there is nothing to check, so that time does not tell who exists.
        self._nobody = self._hash.hash("nobody has this password")

    def hash(self, password: str) -> str:
        """Return what is stored of a password."""
        return self._hash.hash(password)

    def matches(self, password: str, stored: str | None) -> bool:
        """Tell whether the password is the one; as slow when there is none as when there is."""
        try:
            fits = self._hash.verify(password[:PASSWORD_MAX_CHARS], stored or self._nobody)
        except UnknownHashError:
            return False
        return fits and stored is not None


def new_password(password: str, repeated: str, name: str) -> str:
    """Return a password that may be set.

    Raises:
        InvalidError: it is short, long, the person's name, or was not typed the same twice.

    """
    if not PASSWORD_MIN_CHARS <= len(password) <= PASSWORD_MAX_CHARS:
        raise InvalidError(
            f"The password has {len(password)} characters; it needs {PASSWORD_MIN_CHARS} to "
            f"{PASSWORD_MAX_CHARS}. A few words in a row are good and easy to type.",
            "password",
        )
    if password.casefold() == name.casefold():
        raise InvalidError("The password is the name. Take another one.", "password")
    if password != repeated:
        raise InvalidError("The two passwords differ. Type the same one twice.", "repeated")
    return password

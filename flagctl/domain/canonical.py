"""The one JSON text of a value, for what is hashed or compared byte for byte."""

from __future__ import annotations

import json


def canonical_json(value: object) -> str:
    """Return the value as JSON: keys sorted, no spaces, every script as it is."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)

"""Where the files that travel with the code are: in a wheel, or in the source tree."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def data_path(name: str) -> Path:
    """Return the path of `templates`, `static`, `migrations` or `docs/runbook.md`.

    A wheel carries them in `flagctl/_data`; a source tree has them beside the package.

    Raises:
        FileNotFoundError: neither place has `name`; the installation is incomplete.
    """
    places = (_PACKAGE / "_data" / name, _PACKAGE.parent / name)
    for place in places:
        if place.exists():
            return place
    looked = " or ".join(str(place) for place in places)
    raise FileNotFoundError(f"{name} is missing: expected {looked}. Reinstall flagctl.")

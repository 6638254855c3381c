"""Values that the shell offers after the Tab key: profiles, settings, tables of ablations. Loads little at import."""

from pathlib import Path

from radprompt.core.errors import InputError

PROFILES = Path("profiles")


def profiles() -> list[str]:
    """Return the names of the profiles here."""
    return sorted(path.stem for path in PROFILES.glob("*.yaml"))


def settings() -> list[str]:
    """Return the names in settings.yaml; none where it cannot be read, such as outside the repository."""
    from radprompt.study.settings import load_settings

    try:
        return list(load_settings())
    except (InputError, OSError):
        return []


def tables() -> list[str]:
    """Return the short names of the tables in ablations.yaml; none where it cannot be read."""
    from radprompt.study.ablation_tables import load_tables
    from radprompt.study.settings import load_settings

    try:
        return [table.short for table in load_tables(load_settings()).values()]
    except (InputError, OSError):
        return []

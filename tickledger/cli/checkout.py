"""Commands that run the pipelines need the checkout: the wheel holds the domain package alone."""

from importlib.util import find_spec

from tickledger.domain.errors import ConfigurationError


def require_checkout(command: str) -> None:
    """Raise ConfigurationError where only the wheel is installed, and say what to do."""
    if find_spec("pipelines") is None:
        raise ConfigurationError(
            f"`tickledger {command}` runs the Dagster pipelines, which are in the repository and not in the installed "
            f"package: clone the repository and run `make {command}`"
        )

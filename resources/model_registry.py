"""The MLflow model registry as a resource."""

from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg

if TYPE_CHECKING:
    from ml.registry import ModelRegistry


class Models(dg.ConfigurableResource[None]):
    """The registry at `tracking_uri`, with the artifacts of new versions under `artifacts`."""

    tracking_uri: str
    artifacts: str

    @property
    def registry(self) -> "ModelRegistry":
        """A client of the registry; it connects when it is first asked something."""
        from ml.registry import ModelRegistry  # noqa: PLC0415  MLflow takes seconds to import and most runs need none

        return ModelRegistry(self.tracking_uri, artifact_root=Path(self.artifacts))

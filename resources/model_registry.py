"""The MLflow model registry as a resource."""

from pathlib import Path

import dagster as dg

from ml.registry import ModelRegistry


class Models(dg.ConfigurableResource[None]):
    """The registry at `tracking_uri`, with the artifacts of new versions under `artifacts`."""

    tracking_uri: str
    artifacts: str

    @property
    def registry(self) -> ModelRegistry:
        """A client of the registry; it connects when it is first asked something."""
        return ModelRegistry(self.tracking_uri, artifact_root=Path(self.artifacts))

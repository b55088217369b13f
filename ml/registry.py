"""The model registry: MLflow, and the only module that knows it. It takes two seconds to import: import it late.

Each candidate of `ml.training` becomes one MLflow run in experiment ``direction`` (parameters, metrics, feature
list, hash of the data, git commit, uncommitted difference) and one version of the registered model
``direction``. The year's winner carries the alias ``champion-<year>``; the newest year's also ``champion``.
A version is known by its fingerprint: what has the same fingerprint is the same model and is not made twice.
"""

import json
import os
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from functools import cached_property, partial
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

# Read by MLflow when it is imported: no usage statistics, no progress talk, no connection kept open between calls.
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
os.environ["DO_NOT_TRACK"] = "true"
os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")
os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
os.environ.setdefault("MLFLOW_SQLALCHEMYSTORE_POOLCLASS", "NullPool")
os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")

import mlflow
import mlflow.sklearn
import mlflow.xgboost
import sqlalchemy as sa
from mlflow.entities.model_registry import ModelVersion as RegisteredVersion
from mlflow.exceptions import MlflowException
from mlflow.models import ModelSignature
from mlflow.models.model import ModelInfo
from mlflow.types import ColSpec, DataType, Schema

from ml.code_state import CodeState
from ml.models import Classifier, Flavour
from ml.predictor import DirectionModel
from ml.training import DECIDING_METRIC, Candidate, TrainingPlan
from tickledger.domain.errors import ConfigurationError
from tickledger.domain.ids import deterministic_id
from tickledger.domain.model import ModelVersion
from tickledger.local_servers.locks import hold

CHAMPION: Final = "champion"
#: scikit-learn's trees are stored by skops, which loads no code; it asks that this one type be named as reviewed.
_TRUSTED_TYPES: Final = ["sklearn.tree._tree.Tree"]
#: Parameters of the run that are not parameters of the algorithm.
_FEATURES: Final = "features"
_DESCRIPTION: Final = "Probability that a symbol's adjusted close rises over the coming sessions; one champion a year."
_SETTING: Final = "TICKLEDGER_MLFLOW_TRACKING_URI"
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_TIMEOUT_SECONDS: Final = 5


class ModelRegistry:
    """Model versions in MLflow; artifacts of a registry in a database lie under `artifact_root`.

    Every method raises ConfigurationError where the registry cannot be reached or used.
    """

    def __init__(self, tracking_uri: str, artifact_root: Path, *, name: str = "direction") -> None:
        self._uri = tracking_uri
        self._artifact_root = artifact_root
        self._name = name

    @cached_property
    def _client(self) -> mlflow.MlflowClient:
        """Connects, and on a new database makes MLflow's tables: asked for only while the lock is held."""
        return mlflow.MlflowClient(tracking_uri=self._uri, registry_uri=self._uri)

    def registered(self, plan: TrainingPlan) -> list[ModelVersion]:
        """The versions that training `plan` would give again, one for each algorithm; empty unless all are there."""
        with self._session():
            found = [self._newest(fingerprint) for fingerprint in plan.fingerprints]
            versions = [version for version in found if version is not None]
            return self._crowned(versions, year=plan.year) if len(versions) == len(found) else []

    def register(self, candidates: Sequence[Candidate], *, code: CodeState) -> list[ModelVersion]:
        """A version for each candidate of one year, made only where its fingerprint is new; the best is crowned."""
        with self._session():
            versions = [
                self._newest(candidate.fingerprint) or self._registered_candidate(candidate, code)
                for candidate in candidates
            ]
            return self._crowned(versions, year=candidates[0].plan.year) if versions else []

    def find(self, fingerprint: str) -> ModelVersion | None:
        """The version with this fingerprint, None where it was never registered."""
        with self._session():
            version = self._newest(fingerprint)
            return None if version is None else self._domain(version, aliases=self._aliases())

    def load(self, model_version: ModelVersion) -> DirectionModel:
        """The estimator behind `model_version`; raises ConfigurationError where it is gone or is not the same."""
        with self._session():
            version = self._newest(model_version.fingerprint)
            if version is None:
                raise ConfigurationError(
                    f"{_SETTING}: expected model version {model_version.model_version_id} in the registry, found none "
                    f"with its fingerprint; materialize models/{self._name} again"
                )
            load = _LOADERS[version.tags["flavour"]]
            return DirectionModel(version=model_version, estimator=load(f"models:/{self._name}/{version.version}"))

    @contextmanager
    def _session(self) -> Iterator[None]:
        """One process at a time with the registry; its failures told in terms of the settings that cure them."""
        try:
            _require_reachable(self._uri)
            self._artifact_root.mkdir(parents=True, exist_ok=True)
            with hold(self._artifact_root / "registry.lock"):
                # Registering and loading ask MLflow's module state, whatever client they go through.
                mlflow.set_tracking_uri(self._uri)
                mlflow.set_registry_uri(self._uri)
                yield
        except (MlflowException, sa.exc.SQLAlchemyError) as error:
            found = str(error).partition("\n")[0]
            raise ConfigurationError(f"{_SETTING}: expected a usable MLflow registry, found: {found}") from error
        except OSError as error:
            raise ConfigurationError(f"{self._artifact_root}: cannot keep model artifacts there: {error}") from error

    def _registered_candidate(self, candidate: Candidate, code: CodeState) -> RegisteredVersion:
        """The version is created last and with all its tags at once, so a killed process leaves no half version."""
        experiment_id = self._experiment_id()
        self._close_orphans(experiment_id, candidate.fingerprint)
        tags = _tags(candidate, code)
        run_name = f"{candidate.plan.year}-{candidate.algorithm.name}"
        with mlflow.start_run(experiment_id=experiment_id, run_name=run_name, tags=tags) as run:
            _log_run(candidate, code)
            model_id, model_uri = _log_model(candidate)
            # After the model: MLflow would copy earlier metrics to it, and a copy collides with its original.
            mlflow.log_metrics(dict(candidate.metrics), model_id=model_id)
        self._require_registered_model()
        return self._client.create_model_version(
            name=self._name, source=model_uri, run_id=run.info.run_id, tags=tags, model_id=model_id
        )

    def _experiment_id(self) -> str:
        """The experiment whose artifacts lie under our root, made on first use.

        MLflow fixes the folder when it makes an experiment, so another root on the same database gets one of its
        own. A tracking server over HTTP keeps artifacts where it was told to.
        """
        location = None if _is_http(self._uri) else self._artifact_root.absolute().as_uri()
        name = self._name
        experiment = self._client.get_experiment_by_name(name)
        if experiment is not None and location is not None and experiment.artifact_location != location:
            name = f"{self._name} in {self._artifact_root.absolute()}"
            experiment = self._client.get_experiment_by_name(name)
        if experiment is not None:
            return str(experiment.experiment_id)
        return str(self._client.create_experiment(name, artifact_location=location))

    def _close_orphans(self, experiment_id: str, fingerprint: str) -> None:
        """Runs of this model that still say RUNNING belong to processes that are gone: the lock is ours."""
        unfinished = f"tags.fingerprint = '{fingerprint}' and attributes.status = 'RUNNING'"
        for run in self._client.search_runs([experiment_id], filter_string=unfinished):
            self._client.set_terminated(run.info.run_id, status="KILLED")

    def _require_registered_model(self) -> None:
        if not self._client.search_registered_models(f"name = '{self._name}'"):
            self._client.create_registered_model(self._name, description=_DESCRIPTION)

    def _newest(self, fingerprint: str) -> RegisteredVersion | None:
        """The last version with this fingerprint whose artifact is still there."""
        matching = f"name = '{self._name}' and tag.fingerprint = '{fingerprint}'"
        present = [version for version in self._client.search_model_versions(matching) if self._has_artifact(version)]
        return max(present, key=lambda version: int(version.version), default=None)

    def _has_artifact(self, version: RegisteredVersion) -> bool:
        location = urlsplit(self._client.get_model_version_download_uri(self._name, str(version.version)))
        return location.scheme != "file" or (Path(unquote(location.path)) / "MLmodel").is_file()

    def _aliases(self) -> Mapping[str, str]:
        return {
            alias: str(version)
            for model in self._client.search_registered_models(f"name = '{self._name}'")
            for alias, version in model.aliases.items()
        }

    def _crowned(self, versions: Sequence[RegisteredVersion], *, year: int) -> list[ModelVersion]:
        """`versions` with the year's alias on the best of them, and the plain alias on the newest year's best."""
        aliases = dict(self._aliases())
        candidates = [self._domain(version, aliases=aliases) for version in versions]
        best = min(candidates, key=lambda version: (version.metrics[DECIDING_METRIC], version.algorithm))
        wanted = {**aliases, _champion_of(year): str(best.version)}
        newest = max(alias for alias in wanted if alias.startswith(f"{CHAMPION}-"))
        wanted[CHAMPION] = wanted[newest]
        for alias, version in wanted.items():
            if aliases.get(alias) != version:
                self._client.set_registered_model_alias(self._name, alias, version)
        return [replace(version, is_champion=version is best) for version in candidates]

    def _domain(self, version: RegisteredVersion, *, aliases: Mapping[str, str]) -> ModelVersion:
        run = self._client.get_run(str(version.run_id))
        tags = version.tags
        year = int(tags["trained_for_year"])
        return ModelVersion(
            model_version_id=deterministic_id("model", self._name, tags["fingerprint"], year),
            name=self._name,
            version=int(version.version),
            algorithm=tags["algorithm"],
            trained_for_year=year,
            train_start_date=date.fromisoformat(tags["train_start_date"]),
            train_end_date=date.fromisoformat(tags["train_end_date"]),
            feature_set=tags["feature_set"],
            feature_names=tuple(json.loads(run.data.params[_FEATURES])),
            data_sha256=tags["data_sha256"],
            fingerprint=tags["fingerprint"],
            git_commit=tags["git_commit"],
            git_diff_sha256=tags["git_diff_sha256"],
            mlflow_run_id=str(version.run_id),
            parameters={name: value for name, value in run.data.params.items() if name != _FEATURES},
            metrics=run.data.metrics,
            is_champion=aliases.get(_champion_of(year)) == str(version.version),
        )


def _champion_of(year: int) -> str:
    return f"{CHAMPION}-{year}"


def _is_http(uri: str) -> bool:
    return urlsplit(uri).scheme in _DEFAULT_PORTS


def _require_reachable(uri: str) -> None:
    """Ask once: MLflow itself would go on asking for minutes. Raises what the attempt raised."""
    if not _is_http(uri):
        sa.create_engine(uri, poolclass=sa.NullPool).connect().close()
        return
    parts = urlsplit(uri)
    address = (parts.hostname or "", parts.port or _DEFAULT_PORTS[parts.scheme])
    try:
        socket.create_connection(address, timeout=_TIMEOUT_SECONDS).close()
    except OSError as error:
        host, port = address
        raise ConfigurationError(f"{_SETTING}: expected an MLflow server at {host}:{port}, found: {error}") from error


def _tags(candidate: Candidate, code: CodeState) -> dict[str, str]:
    plan = candidate.plan
    return {
        "fingerprint": candidate.fingerprint,
        "algorithm": candidate.algorithm.name,
        "flavour": candidate.algorithm.flavour,
        "trained_for_year": str(plan.year),
        "train_start_date": plan.data.first_date.isoformat(),
        "train_end_date": plan.data.last_date.isoformat(),
        "feature_set": plan.feature_set,
        "data_sha256": plan.data_sha256,
        "git_commit": code.git_commit,
        "git_diff_sha256": code.diff_sha256,
    }


def _log_run(candidate: Candidate, code: CodeState) -> None:
    features = list(candidate.plan.data.feature_names)
    mlflow.log_params({**candidate.algorithm.parameters, _FEATURES: json.dumps(features)})
    mlflow.log_dict({"feature_set": candidate.plan.feature_set, "features": features}, "features.json")
    mlflow.log_text(code.uncommitted_diff, "uncommitted.diff")


def _log_model(candidate: Candidate) -> tuple[str, str]:
    """The logged model's id and URI. Requirements and signature are given: inferring them takes 30 s and an import."""
    names = candidate.plan.data.feature_names
    signature = ModelSignature(
        inputs=Schema([ColSpec(DataType.double, name) for name in names]), outputs=Schema([ColSpec(DataType.long)])
    )
    requirements = [f"{library}=={version}" for library, version in candidate.algorithm.library_versions.items()]
    log = _SAVERS[candidate.algorithm.flavour]
    info = log(candidate.estimator, name="model", signature=signature, pip_requirements=requirements)
    return info.model_id, info.model_uri


_SAVERS: Final[Mapping[Flavour, Callable[..., ModelInfo]]] = {
    "sklearn": partial(mlflow.sklearn.log_model, skops_trusted_types=_TRUSTED_TYPES),
    "xgboost": mlflow.xgboost.log_model,
}
_LOADERS: Final[Mapping[str, Callable[[str], Classifier]]] = {
    "sklearn": mlflow.sklearn.load_model,
    "xgboost": mlflow.xgboost.load_model,
}

"""The folder of one run: what is in it, whether it may be continued, and what must never be overwritten.

outputs/<experiment>/<run>/  config.yaml  manifest.json  metrics.jsonl  generations/  checkpoints/  tensorboard/  logs/
                             curves.png  report.html

Nobody else spells these names (tests/contract/test_said_once.py).
"""

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from recipes.common.errors import UserError
from recipes.common.files import lock_beside, write_atomically
from recipes.common.secrets import redacted
from recipes.runs.checkpoints import Checkpoints
from recipes.runs.manifest import NAME as MANIFEST
from recipes.runs.manifest import Manifest
from recipes.runs.metrics_file import read_metrics

CONFIG, METRICS, RESPONSES = "config.yaml", "metrics.jsonl", "generations"
LOGS, CHECKPOINTS, TENSORBOARD = "logs", "checkpoints", "tensorboard"
_ATTEMPT = "train-"  # begins the names of an attempt's files
PARTS = (CONFIG, MANIFEST, METRICS, RESPONSES, LOGS, CHECKPOINTS, TENSORBOARD)  # a folder with one of them holds a run
# Keys that may differ between two attempts at the same run: how long, how often, how verbose, where.
VOLATILE = (
    "dry_run",
    "preflight",
    "on_existing",
    "output_root",
    "run_dir",
    "trainer.test_freq",
    "trainer.save_freq",
    "trainer.logger",
    "trainer.default_local_dir",
    "trainer.rollout_data_dir",
    "trainer.validation_data_dir",
    "trainer.max_actor_ckpt_to_keep",
    # What a checkpoint holds: whether it is enough to go on from is asked where one goes on.
    "actor_rollout_ref.actor.checkpoint.save_contents",
    "actor_rollout_ref.actor.checkpoint.load_contents",
    # Where code of ours stands, and what models and data of ours are made by: neither changes what is trained.
    "prepare",
    "hardware.evaluation_dtype",
    # Choices whose outcome is compared where it stands; attentions compute the same, whichever is installed today.
    "attention",
    "precision",
    "anchor",
    "actor_rollout_ref.model.override_config.attn_implementation",
    "actor_rollout_ref.rollout.agent.agent_loop_manager_class",
    "actor_rollout_ref.rollout.checkpoint_engine.custom_backend_module",
    "actor_rollout_ref.rollout.engine_kwargs.vllm.worker_extension_cls",
    "actor_rollout_ref.rollout.engine_kwargs.vllm.distributed_executor_backend",
    "trainer.val_before_train",
    "trainer.resume_mode",
    "trainer.resume_from_path",
    "trainer.v1.rlvr",
    "dumps",
    "algorithm.filter_groups",  # where no batch can be filled any more, the run goes on with sampling=all
    "ray_kwargs",
)


@dataclass(frozen=True)
class RunFolder:
    """Paths inside one run's folder."""

    path: Path

    @classmethod
    def of(cls, config: DictConfig) -> "RunFolder":
        """The folder a resolved config names."""
        return cls(Path(config.run_dir))

    @classmethod
    def found(cls, folder: Path, pattern: str = "**") -> Iterator["RunFolder"]:
        """Runs that have logged something, by path: in the folders that match `pattern` below `folder`."""
        yield from (cls(file.parent) for file in sorted(folder.glob(f"{pattern}/{METRICS}")))

    @property
    def lock(self) -> Path:
        """Held by the command that trains here."""
        return lock_beside(self.path)

    @property
    def config(self) -> Path:
        """The resolved config."""
        return self.path / CONFIG

    @property
    def metrics(self) -> Path:
        """One line per step, over all attempts."""
        return self.path / METRICS

    @property
    def checkpoints(self) -> Checkpoints:
        """verl's global_step_N folders."""
        return Checkpoints(self.path / CHECKPOINTS)

    @property
    def manifest(self) -> Manifest:
        """What the run was; read anew at each access."""
        return Manifest.within(self.path)

    @property
    def tensorboard(self) -> Path:
        """TensorBoard's files."""
        return self.path / TENSORBOARD

    @property
    def curves(self) -> Path:
        """Reward and validation accuracy as a picture."""
        return self.path / "curves.png"

    @property
    def metrics_picture(self) -> Path:
        """All metrics that say whether the run is well, as a picture."""
        return self.path / "metrics.png"

    @property
    def report(self) -> Path:
        """The page of the run."""
        return self.path / "report.html"

    def responses(self, part: str) -> Path:
        """Dumps of the responses, a file per step, see `recipes.runs.dumps`; `part` is train or validation."""
        return self.path / RESPONSES / part

    def new_log(self) -> Path:
        """A log file of its own for each attempt, the last one by name even where the clock was set back."""
        logs = self.path / LOGS
        logs.mkdir(parents=True, exist_ok=True)
        name = f"{_ATTEMPT}{datetime.now():%Y%m%d-%H%M%S}"
        last = max((file.stem for file in logs.glob(f"{_ATTEMPT}*")), default="")
        return logs / f"{name if name > last else f'{last}_1'}.log"

    def logs(self) -> list[Path]:
        """The logs of all attempts, oldest first."""
        return sorted((self.path / LOGS).glob(f"{_ATTEMPT}*.log"))

    @staticmethod
    def logs_below(folder: Path) -> list[Path]:
        """The logs of all runs in a folder."""
        return sorted(folder.rglob(f"{LOGS}/{_ATTEMPT}*.log"))

    @staticmethod
    def attempt_metrics(log: Path) -> Path:
        """Where verl writes the metrics of the attempt whose log this is."""
        return log.with_suffix(".jsonl")

    def attempts(self) -> list[Path]:
        """verl's metrics files of all attempts, oldest first."""
        return sorted((self.path / LOGS).glob(f"{_ATTEMPT}*.jsonl"))

    def rows(self) -> list[dict[str, Any]]:
        """What has been logged: dicts with `step` and `data`."""
        return read_metrics(self.metrics)

    def checkpoint_name(self, step: int) -> str:
        """A short name of a checkpoint that tells it from those of other runs."""
        return f"{self.path.parent.name}-{self.path.name}-step{step}"

    def checkpointed_step(self) -> int:
        """Step of the latest intact checkpoint, 0 without one."""
        return self.checkpoints.latest()

    def hugging_face_checkpoint(self) -> Path | None:
        """The latest checkpoint in the form that `transformers` and vLLM load; None without one."""
        folder = self.checkpoints.folder(self.checkpointed_step()) / "actor" / "huggingface"
        return folder if folder.is_dir() else None

    def exists(self) -> bool:
        """Whether a run has been started here."""
        return self.config.is_file()

    def write_rows(self, rows: list[dict[str, Any]]) -> None:
        """Replace what has been logged; a last line that was cut off by a crash goes with it."""
        if rows or self.metrics.is_file():
            write_atomically(self.metrics, "".join(json.dumps(row) + "\n" for row in rows))

    def move_aside(self) -> Path:
        """Rename the folder so that a new run can begin under its name; return where it went."""
        aside = self.path.with_name(f"{self.path.name}.{datetime.now():%Y%m%d-%H%M%S}")
        while aside.exists():  # two within a second, or a clock that was set back
            aside = aside.with_name(f"{aside.name}_1")
        return self.path.rename(aside)

    def refuse_other_config(self, config: DictConfig) -> None:
        """Raise UserError when the run that is here was made with another config.

        Args:
            config: the resolved config of the new attempt.
        """
        before = _flat(self.read_config())
        after = _flat(config)
        if config.actor_rollout_ref.actor.optim.lr_scheduler_type == "constant":
            # A schedule ends at total_training_steps; only a constant rate can be prolonged.
            before.pop("trainer.total_training_steps", None)
            after.pop("trainer.total_training_steps", None)
        different = sorted(key for key in before.keys() | after.keys() if before.get(key) != after.get(key))
        if different:
            shown = "\n".join(f"  {key}: {before.get(key)!r} there, {after.get(key)!r} now" for key in different[:10])
            more = f"\n  and {len(different) - 10} more" if len(different) > 10 else ""
            raise UserError(
                f"{self.path} holds a run with another config:\n{shown}{more}\n"
                "Write trainer.experiment_name=<a new name>, or on_existing=restart to move the old run aside."
            )

    def read_config(self) -> DictConfig:
        """What the run was started with.

        Raises:
            UserError: the file is damaged.
        """
        found, why = None, "no mapping"
        try:
            text = self.config.read_text(encoding="utf-8")
            if "${" in text:  # it was written without; what such a text would do when it is read is anybody's guess
                raise ValueError("it refers to other keys")
            found = OmegaConf.load(io.StringIO(text))
        except (ValueError, OSError, yaml.YAMLError, OmegaConfBaseException, RecursionError) as error:
            why = f"{type(error).__name__}: {error}"
        if not isinstance(found, DictConfig) or not found:
            raise UserError(
                f"{self.config} is damaged ({why}). Restore it, or write trainer.experiment_name=<a new name>."
            )
        return found

    def write_config(self, config: DictConfig) -> None:
        """Write the resolved config, without secrets."""
        self.path.mkdir(parents=True, exist_ok=True)
        write_atomically(self.config, OmegaConf.to_yaml(redacted(OmegaConf.to_container(config, resolve=True))))


def _flat(config: Any) -> dict[str, Any]:
    """Dotted key → value, without the volatile keys."""
    leaves: dict[str, Any] = {}

    def walk(value: Any, key: str) -> None:
        if any(key == name or key.startswith(name + ".") for name in VOLATILE):
            return
        if isinstance(value, dict):
            for name, child in value.items():
                walk(child, f"{key}.{name}" if key else str(name))
        else:
            leaves[key] = value

    walk(redacted(OmegaConf.to_container(config, resolve=True)), "")  # the saved one holds no secrets
    return leaves

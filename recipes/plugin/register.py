"""Everything this project registers with verl, loaded in every process that imports verl.

verl loads this module through the entry-point group `verl.plugins` and, should it fail, says so at debug level only
(verl/__init__.py): a run would then train something else or die an hour later. So `check` asks the registries
themselves; the launcher calls it before Ray starts and the task runner once on every node.
"""

from importlib.metadata import entry_points

from recipes.plugin.cpu import switch

if switch.is_cpu_run():
    switch.activate()  # first: the imports below may ask verl for its platform

from verl.workers.rollout.base import _ROLLOUT_REGISTRY
from verl.workers.rollout.replica import RolloutReplicaRegistry

import losses.estimators  # noqa: F401 (registers)
import recipes.plugin.methods  # noqa: F401
from recipes.common import resolvers
from recipes.plugin import bound_store, log_probs, policy_losses

resolvers.register()  # verl's own command resolves what our presets reckon with
policy_losses.activate()
log_probs.activate()
bound_store.activate()


def _replica() -> type:
    from recipes.plugin.rollout.vllm_server import WatchedReplica

    return WatchedReplica


# Names and a loader: neither imports anything yet.
RolloutReplicaRegistry.register("vllm", _replica)
_ROLLOUT_REGISTRY["vllm", "async"] = "recipes.plugin.rollout.weight_socket.AttemptServerAdapter"


class PluginError(RuntimeError):
    """The plug-in is not, or not completely, loaded in this process."""


def check() -> None:
    """Assert that verl, in this process, would call our losses and our platform.

    Raises:
        PluginError: says what is missing and what to do.
    """
    found = [point.value for point in entry_points(group="verl.plugins")]
    if __name__ not in found:
        raise PluginError(
            f"The entry point verl.plugins → {__name__} is not installed here (found: {found or 'none'}), "
            "so Ray workers would not know the policy losses. Run `bash scripts/setup.sh`, or `pip install -e .` here."
        )
    missing = policy_losses.missing()
    if missing:
        raise PluginError(
            f"verl's policy-loss registry does not hold {', '.join(missing)} as registered by this project. Another "
            "plug-in overwrote them, or verl is not 0.9.1: check VERL_USE_EXTERNAL_MODULES and `pip show verl`."
        )
    _check_platform()


def _check_platform() -> None:
    from verl.plugin.platform import get_platform

    is_cpu = get_platform().device_name == "cpu"
    if is_cpu != switch.is_cpu_run():
        raise PluginError(
            f"verl's platform is '{get_platform().device_name}', but this run is "
            f"{'a CPU' if not is_cpu else 'not a CPU'} run. Unset VERL_PLATFORM, or set it to 'cpu' for a CPU run, "
            "before anything imports verl."
        )

"""Ask Ray workers whether the plug-in reached them.

This module must not import the plug-in itself, or it would find what it brought along.
"""

import sys

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

PLUGIN = "recipes.plugin.register"


def plugin_problem() -> str | None:
    """Import verl as any worker does; return what is wrong with our plug-in in this process, or None."""
    import verl  # noqa: F401 (loads the entry points)

    if PLUGIN not in sys.modules:
        return (
            f"verl did not load the plug-in {PLUGIN}. Install this project in the workers' environment "
            f"({sys.executable}) and leave VERL_USE_EXTERNAL_PLUGINS unset. {_reason()}"
        )
    try:
        sys.modules[PLUGIN].check()
    except Exception as error:  # not silent: assert_on_every_node raises it with the name of the node
        return str(error)
    return None


def _reason() -> str:
    """verl swallows the exception of a plug-in that fails to import; import it again to see it."""
    try:
        __import__(PLUGIN)
    except Exception as error:  # becomes part of the message that assert_on_every_node raises
        return f"Importing it raises {type(error).__name__}: {error}"
    return "Importing it by hand works."


def assert_on_every_node() -> None:
    """Run the check in this worker, and in one Ray task on every other node.

    Raises:
        RuntimeError: names the nodes and what is wrong on each.
    """
    task = ray.remote(num_cpus=0)(plugin_problem)
    own = ray.get_runtime_context().get_node_id()
    addresses = {node["NodeID"]: node["NodeManagerAddress"] for node in ray.nodes() if node["Alive"]}
    answers = {
        node: task.options(scheduling_strategy=NodeAffinitySchedulingStrategy(node, soft=False)).remote()
        for node in addresses
        if node != own
    }
    problems = {own: plugin_problem()} | {node: ray.get(answer) for node, answer in answers.items()}
    broken = {addresses[node]: problem for node, problem in problems.items() if problem}
    if broken:
        raise RuntimeError("\n".join(f"node {address}: {problem}" for address, problem in broken.items()))

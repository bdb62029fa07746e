"""Every port of a Ray node, derived from one base port.

A node uses the block base … base + 999. Nodes that share one machine (tests, two slurmd on one host) take the blocks
that follow. The default block lies below Linux's ephemeral ports (32768 and up), where verl, vLLM and NCCL pick theirs.
"""

from dataclasses import dataclass

from recipes.common.errors import UserError

DEFAULT_BASE = 20000
BLOCK = 1000
_FIRST_WORKER = 100


@dataclass(frozen=True)
class Ports:
    """The ports of one node."""

    base: int = DEFAULT_BASE

    def __post_init__(self) -> None:
        if not 1024 <= self.base <= 65535 - BLOCK:
            raise UserError(f"RLVR_BASE_PORT={self.base}: write a number from 1024 to {65535 - BLOCK}.")

    @property
    def gcs(self) -> int:
        """Where the other nodes and the driver find the head (RAY_ADDRESS)."""
        return self.base

    def on_same_machine(self, index: int) -> "Ports":
        """The ports of the index-th further node on one machine."""
        return Ports(self.base + index * BLOCK)

    def of_node(self) -> dict[str, int]:
        """Options of `ray start` on every node."""
        return {
            "node-manager-port": self.base + 3,
            "object-manager-port": self.base + 4,
            "dashboard-agent-listen-port": self.base + 5,
            "dashboard-agent-grpc-port": self.base + 6,
            "runtime-env-agent-port": self.base + 7,
            "metrics-export-port": self.base + 8,
            "min-worker-port": self.base + _FIRST_WORKER,
            "max-worker-port": self.base + BLOCK - 1,
        }

    def of_head(self) -> dict[str, int]:
        """Further options of `ray start --head`. Ray offers no way to leave its client server out."""
        return {"port": self.gcs, "dashboard-port": self.base + 1, "ray-client-server-port": self.base + 2}

    def environment(self) -> dict[str, str]:
        """Two metrics ports of the head that `ray start` has no option for."""
        return {"AUTOSCALER_METRIC_PORT": str(self.base + 9), "DASHBOARD_METRIC_PORT": str(self.base + 10)}

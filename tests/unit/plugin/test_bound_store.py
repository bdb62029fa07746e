"""The server of torch's store listens on one address, in a Python of its own: a process group is one per process."""

import json
import subprocess
import sys

import pytest

GROUP = """
import json, psutil, socket, torch.distributed as dist
from recipes.plugin import bound_store
if {installed}:
    bound_store.activate()
with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]
for _ in range(2):  # the second finds the port as the first has left it
    dist.init_process_group("gloo", init_method=f"tcp://{host}:{{port}}", rank=0, world_size=1)
    dist.barrier()
    listening = [one.laddr for one in psutil.Process().net_connections() if one.status == "LISTEN"]
    found = [one.ip for one in listening if one.port == port]
    dist.destroy_process_group()
print(json.dumps(found))
"""


def addresses(host: str, installed: bool) -> list[str]:
    command = [sys.executable, "-c", GROUP.format(host=host, installed=installed)]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True, timeout=100).stdout)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_group_listens_where_its_host_is_named(host: str) -> None:
    assert addresses(host, installed=False) == ["::"], "torch has an option for it by now?"
    assert addresses(host, installed=True) == ["127.0.0.1"]

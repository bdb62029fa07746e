"""Every command in README.md, CONTRIBUTING.md and docs/: bash runs it up to the programs it calls (rehearsal.py), and
what these are called with is valid (programs.py). A command that nothing here understands fails.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import rehearsal
from programs import PROGRAMS
from rehearsal import ROOT

from recipes.common.errors import UserError

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
# Blocks that are really executed, in a set-up of their own, by the test of their page.
EXECUTED_ELSEWHERE = {
    "extending.md": "test_extending_page.py",
    "drop-in.md": "test_drop_in_page.py",
    "own-verifier.md": "test_own_verifier_page.py",
    "data.md": "test_own_data_page.py",
}
COMMAND = re.compile(
    r"([A-Z_]+=\S+ )*(\.venv/bin/)?"
    r"(python (-m|tests/)|bash |sbatch|scancel|docker |kubectl |git |pip |export |scripts/\S+\.sh )"
)
# What a reader replaces, and something that could stand there. Any other placeholder fails.
PLACEHOLDERS = {
    "<file with HF_TOKEN=…, WANDB_API_KEY=…>": "secrets.env",
    "<overrides>": "experiment=dgpo/7b_dgpo",
    "<registry>": "registry.example.org",
    "<run>": "outputs/quickstart/run",
    "<shared folder>": "/shared",
    "<shared>": "/shared",
    "<yours>": "gpus",
    "<job>": "1",
    "[OUTPUT_ROOT]": "outputs",
    "RUN_FOLDER…": "RUN_FOLDER",
    "responses=…": "responses=FILE",
    "sbatch …": "sbatch",  # its own options
}


def _blocks(page: Path) -> Iterator[str]:
    text = page.read_text(encoding="utf-8")
    for block in re.findall(r"^```bash\n((?s:.*?))^```$", text, re.M):
        if not (page.name in EXECUTED_ELSEWHERE and re.search("my_methods|main_ppo|my_verifier|-dir mine", block)):
            yield block
    for block in re.findall(r"^```\n((?s:.*?))^```$", text, re.M):
        yield from re.findall(r"^\$ (.*)$", block, re.M)  # a session: commands behind the prompt
    outside = re.sub(r"^```.*\n(?s:.*?)^```$", "", text, flags=re.M)
    for block in re.findall(r"(?:^    .*\n)+", outside, re.M):
        if COMMAND.match(block.strip()):
            yield block
    yield from (span for span in re.findall(r"(?<!`)`([^`\n]+)`(?!`)", outside) if COMMAND.match(span))


def _filled_in(text: str) -> str:
    for placeholder, value in PLACEHOLDERS.items():
        text = text.replace(placeholder, value)
    left = re.search(r"<[a-z][^>]*>|…|\[[A-Za-z-]+[^]]*\](?=\s|$)", re.sub(r"\s#.*", "", text))
    assert left is None, f"{left and left[0]} in {text!r}: PLACEHOLDERS does not know what it stands for"
    return text


COMMANDS = list(
    {
        re.sub(r"\s+", " ", block).strip(): (page.relative_to(ROOT), block)
        for page in reversed(PAGES)
        for block in _blocks(page)
    }.items()
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return rehearsal.sandbox(tmp_path_factory.mktemp("rehearsal"))


def test_the_pages_are_read() -> None:
    """A pattern that finds nothing would make the test below pass."""
    found = {str(page) for _, (page, _) in COMMANDS}
    assert len(COMMANDS) > 60 and {"README.md", "CONTRIBUTING.md", "docs/cluster.md", "docs/data.md"} <= found


@pytest.mark.parametrize(
    "page, block", [where for _, where in COMMANDS], ids=[f"{p}-{t[:60]}" for t, (p, _) in COMMANDS]
)
def test_a_command_is_understood(folder: Path, page: Path, block: str) -> None:
    if "reasoning_gym" in block:
        pytest.importorskip("reasoning_gym", reason="compiled at set-up, where there is a compiler")
    for call in rehearsal.calls(_filled_in(block), folder):
        assert call.program in PROGRAMS, f"{page}: nothing here knows what {call.program} takes"
        PROGRAMS[call.program](call)


@pytest.mark.parametrize(
    "command",
    [
        "python -m recipes.trian",
        "python -m recipes.train polcy_loss=dgpo",
        "python -m recipes.train policy_loss=dpgo",
        "python -m recipes.train --dry-run",
        "python -m recipes.train actor_rollout_ref.actor.ppo_mini_batch_size=0",
        "python -m recipes.evaluate model=x eval=papers",
        "python -m recipes.report compare A",
        "python -m benchmarks.run --rows",
        "bash scripts/trian.sh",
        "bash scripts/test.sh tests/no_such_test.py",
        "bash scripts/reproduce.sh both --scale small",
        "bash scripts/reproduce.sh both --only 8b",
        "sbatch --node=2 scripts/slurm/train.sbatch experiment=dgpo/7b_dgpo trainer.nnodes=2",
        "sbatch --nodes=2 scripts/slurm/train.sbatch experiment=dgpo/7b_dgpo",
        "kubectl create -f scripts/k8s/job.yaml",
        "rm -r outputs",
        "bash scripts/train.sh <options>",
        'echo "',
    ],
)
def test_a_wrong_command_fails(folder: Path, command: str) -> None:
    with pytest.raises((AssertionError, UserError, SystemExit)):
        test_a_command_is_understood(folder, Path("a page"), command)


def test_variables_are_read_by_something() -> None:
    """A misspelt variable would be ignored in silence."""
    sources = [file for name in ("recipes", "scripts", "reward", "tests") for file in (ROOT / name).rglob("*.*")]
    text = "\n".join(file.read_text(errors="replace") for file in sources if file.name != Path(__file__).name)
    others = {"HF_HOME", "RAY_AUTH_TOKEN_PATH", "CUDA_VISIBLE_DEVICES", "NCCL_DEBUG", "CONFIGS", "PYTHONPATH"}
    named = {name for _, (_, block) in COMMANDS for name in re.findall(r"(?<![\w<])([A-Z][A-Z_]{3,})=", block)}
    assert len(named) > 5 and not {name for name in named if not re.search(rf"\b{name}\b", text)} - others

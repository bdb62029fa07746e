#!/usr/bin/env bash
# Run the tests; does all its own set-up in .venv/. Usage: bash scripts/test.sh [--all|--slurm|--gpu-lock] [pytest arguments]
#   (none)   style, types, unit and contract tests, config composition, real trainings of DGPO and MASPO, an evaluation
#   --all    also the slow ones: SmolLM2, two ranks, ...
#   --slurm  only those that need a Slurm: they start one (root; Debian: apt-get install slurm-wlm munge)
#   --gpu-lock  those of the versions that GPUs run, in a second environment (15 GB; before touching verl's or vLLM's seams)
set -euo pipefail
cd "$(dirname "$0")/.."
bash scripts/setup.sh cpu # the tests run on any machine; what needs a GPU is in benchmarks/
export HF_HUB_OFFLINE="${HF_HUB_OFFLINE:-1}" # no test may download anything
unset PYTHONDONTWRITEBYTECODE # images set it: every worker and process of a test would compile the same files again

which="not slow and not slurm"
case "${1:-}" in
    --all) which="not slurm"; shift ;;
    --gpu-lock) shift; exec bash scripts/rehearse_gpu_lock.sh "$@" ;;
    --slurm) shift; exec .venv/bin/python -m pytest -m slurm tests/slurm "$@" ;;
esac
if [ $# -gt 0 ]; then
    exec .venv/bin/python -m pytest -m "$which" "$@"
fi
.venv/bin/ruff check .
.venv/bin/ruff format --check .
# Side by side what can be; tests of one xdist_group share ports, or a browser. By themselves: those that compare times.
# Trainings, of a dozen processes each, two at a time: one imports, one computes.
failed=0
pytest() { .venv/bin/python -m pytest -m "$which" "$@" || failed=$?; }
# One OpenMP thread for each: a worker has a core, and two threads on it wait for each other by spinning.
OMP_NUM_THREADS=1 pytest -n auto --maxprocesses 4 --dist loadgroup --ignore=tests/browser --ignore=tests/performance --ignore=tests/end_to_end
pytest tests/performance
.venv/bin/mypy & types=$!
pytest -n auto --maxprocesses 2 --dist loadgroup tests/browser tests/end_to_end
wait "$types" || failed=$?
exit "$failed"

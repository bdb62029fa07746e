#!/usr/bin/env bash
# Run the tests; does all its own set-up in .venv/. Usage: bash scripts/test.sh [--all|--slurm] [pytest arguments]
#   (none)   style, types, unit and contract tests, config composition, and a real 3-step training per method
#   --all    also the slow ones: SmolLM2, two ranks, ...
#   --slurm  only those that need a Slurm: they start one (root; Debian: apt-get install slurm-wlm munge)
set -euo pipefail
cd "$(dirname "$0")/.."
bash scripts/setup.sh cpu # the tests run on any machine; what needs a GPU is in benchmarks/
export HF_HUB_OFFLINE="${HF_HUB_OFFLINE:-1}" # no test may download anything

selection=(-m "not slow and not slurm")
lint=yes
case "${1:-}" in
    --all) selection=(-m "not slurm"); shift ;;
    --slurm) selection=(-m slurm tests/slurm); lint=; shift ;;
esac
if [ -n "$lint" ] && [ $# -eq 0 ]; then
    .venv/bin/ruff check .
    .venv/bin/ruff format --check .
    .venv/bin/mypy
fi
exec .venv/bin/python -m pytest "${selection[@]}" "$@"

#!/usr/bin/env bash
# Run the tests; does all its own set-up in .venv/. Usage: bash scripts/test.sh [--all] [pytest arguments]
#   (none)   style, types, unit and contract tests, config composition, and a real 3-step training per method
#   --all    also the slow ones: SmolLM2, two ranks, ...
set -euo pipefail
cd "$(dirname "$0")/.."
bash scripts/setup.sh cpu # the tests run on any machine; what needs a GPU is in benchmarks/
export HF_HUB_OFFLINE="${HF_HUB_OFFLINE:-1}" # no test may download anything

selection=(-m "not slow")
if [ "${1:-}" = "--all" ]; then selection=(); shift; fi
if [ $# -eq 0 ]; then
    .venv/bin/ruff check .
    .venv/bin/ruff format --check .
    .venv/bin/mypy
fi
exec .venv/bin/python -m pytest "${selection[@]}" "$@"

#!/usr/bin/env bash
# Train on this machine, with all its GPUs or without any: set-up, then `python -m recipes.train` with the overrides.
#
#   bash scripts/train.sh model=deepseek-r1-distill-qwen-7b data=dapo_math_17k hardware=8x80gb
#   bash scripts/train.sh experiment=dgpo/7b_dgpo --cfg job
set -euo pipefail
cd "$(dirname "$0")/.."
bash scripts/setup.sh
exec .venv/bin/python -m recipes.launch local "$@"

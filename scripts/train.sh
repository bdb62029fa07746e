#!/usr/bin/env bash
# Train on this machine, with all its GPUs or without any: set-up, then `python -m recipes.train` with the overrides.
#
#   bash scripts/train.sh model=deepseek-r1-distill-qwen-7b data=dapo_math_17k hardware=8x80gb
#   bash scripts/train.sh experiment=dgpo/7b_dgpo --cfg job
set -euo pipefail
cd "$(dirname "$0")/.."
# A config can be printed without the packages that train it; a model of one's own may need them for its tokenizer.
if [[ " $* " =~ \ (--cfg|-c|--help|-h)[\ =] && "$*" != *model_path=* && ! -f .venv/.installed ]]; then
    bash scripts/setup_compose.sh
    exec .venv-compose/bin/python -m recipes.train "$@"
fi
bash scripts/setup.sh
exec .venv/bin/python -m recipes.launch local "$@"

#!/usr/bin/env bash
# From a fresh checkout to a trained model on a laptop without a GPU: install, make a tiny base model, train it with DGPO
# through verl, Ray, vLLM and FSDP, and show what it learned. About four minutes on 2 cores, beside the downloads.
#
#   bash scripts/quickstart.sh                                  DGPO
#   POLICY_LOSS=maspo bash scripts/quickstart.sh                MASPO (or grpo)
#   bash scripts/quickstart.sh seed=1 trainer.total_training_steps=60     any Hydra override
#
# Run again, it continues an unfinished run and shows the results of a finished one.
set -euo pipefail
cd "$(dirname "$0")/.."
bash scripts/setup.sh cpu
exec .venv/bin/python -m recipes.train experiment=quickstart policy_loss="${POLICY_LOSS:-dgpo}" "$@"

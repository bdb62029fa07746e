#!/usr/bin/env bash
# The papers' tables: train, evaluate, render; what is done is skipped, so the same command continues.
#
#   bash scripts/reproduce.sh dgpo --dry-run              the plan, with GPU-hours (rough estimate)
#   bash scripts/reproduce.sh maspo --scale 7b-short --only 7b_maspo,7b_grpo
#   bash scripts/reproduce.sh both --scale tiny           all twelve methods × 3 seeds on a toy task, on a CPU: hours
#   bash scripts/reproduce.sh both --scale bridge         five methods × 8 seeds where they can differ, on a CPU: hours
#   bash scripts/reproduce.sh dgpo --only 7b -- trainer.nnodes=4     Hydra overrides of the trainings after --
set -euo pipefail
cd "$(dirname "$0")/.."
bash scripts/setup.sh
exec .venv/bin/python -m recipes.reproduce "$@"

#!/usr/bin/env bash
# Train on a Ray cluster that is already up, through `ray job submit`; follows the log and exits with 0 if the job succeeds.
#
#   export RAY_API_SERVER_ADDRESS=http://127.0.0.1:8265      the dashboard, through a tunnel
#   bash scripts/ray/submit.sh experiment=dgpo/7b_dgpo trainer.nnodes=4
#   RLVR_SUBMIT_PRINT=1 bash scripts/ray/submit.sh …          print the command and send nothing
#
# HF_*, WANDB_*, NCCL_*, GLOO_*, VLLM_* and RLVR_* travel with the job. Every node needs this checkout with its .venv at the
# same path, or RLVR_REMOTE_DIR and RLVR_REMOTE_PYTHON say where they are.
set -euo pipefail
cd "$(dirname "$0")/../.."
python="${RLVR_PYTHON:-.venv/bin/python}"
command -v "$python" >/dev/null || { echo "[launch] $PWD has no $python: run bash scripts/setup.sh, or set RLVR_PYTHON" >&2; exit 2; }
exec "$python" -m recipes.launch submit ${RLVR_SUBMIT_PRINT:+--print} "$@"

#!/usr/bin/env bash
# The documentation as a website. Usage: bash scripts/docs.sh [build|serve]
#   build   (default) into site/, an error at a broken link; site/index.html can be opened from the disk
#   serve   at http://127.0.0.1:8000, built again at every change
# RLVR_REPO_URL=https://… makes links to source files lead there.
set -euo pipefail
cd "$(dirname "$0")/.."
case "${1:-build}" in
    build) words=(build --strict) ;;
    serve) words=(serve) ;;
    *) echo "unknown: $1; write build or serve" >&2; exit 2 ;;
esac
bash scripts/setup.sh
exec .venv/bin/mkdocs "${words[@]}"

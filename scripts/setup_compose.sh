#!/usr/bin/env bash
# Make .venv-compose/: the few packages that composing a config takes (--cfg job, --help), with the lock's versions.
# scripts/train.sh asks for it where the whole environment is not there; a minute instead of gigabytes.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=".venv-compose"
lock="requirements/gpu.hashes"
packages="antlr4-python3-runtime|attrs|filelock|hydra-core|jinja2|latex2sympy2-extended|markupsafe|math-verify|mpmath"
packages="$packages|annotated-types|markdown-it-py|mdurl|numpy|omegaconf|packaging|psutil|pydantic|pydantic-core|pygments|pyyaml|rich|sympy"
packages="$packages|typing-extensions|typing-inspection|verl"
want="$(cat "$lock" scripts/setup_compose.sh | sha256sum | cut -c1-16)"
if [ "$(cat "$folder/.installed" 2>/dev/null || true)" = "$want" ]; then exit 0; fi

python=""
for candidate in python3.12 python3.11 python3.10 python3; do
    if command -v "$candidate" >/dev/null && "$candidate" -c "import ensurepip, venv" 2>/dev/null; then python="$candidate"; break; fi
done
[ -n "$python" ] || { echo "[setup] Python 3.10 to 3.12 with its venv module is needed." >&2; exit 1; }
echo "[setup] the packages that a config needs, in $folder/ (once; training needs scripts/setup.sh)" >&2
"$python" -m venv --clear "$folder"
awk -v "chosen=^($packages)==" '/^[^ ]+==/ { is_chosen = $0 ~ chosen } is_chosen' "$lock" >"$folder/packages.txt"
"$folder/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r "$folder/packages.txt"
echo "$want" >"$folder/.installed"

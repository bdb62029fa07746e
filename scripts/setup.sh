#!/usr/bin/env bash
# Make .venv/ at the root of the checkout with exactly the locked packages and this project; safe to run again.
# Usage: bash scripts/setup.sh [cpu|gpu]     default: gpu where nvidia-smi lists a GPU, else cpu
#
# Packages come from the index that pip is set up for (pip.conf or PIP_* variables). Only the CPU build of torch may need a
# second one: when that index lacks torch==…+cpu it is taken from TORCH_CPU_INDEX (default: PyTorch's own wheel index).
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '\033[1m[setup]\033[0m %s\n' "$*" >&2; }
die() { printf '\033[1;31m[setup] %s\033[0m\n' "$*" >&2; exit 1; }

if nvidia-smi -L 2>/dev/null | grep -q GPU; then default=gpu; else default=cpu; fi
extra="${1:-$default}"
lock="requirements/$extra.lock"
[ -f "$lock" ] || die "unknown environment '$extra': write cpu or gpu"

stamp=".venv/.installed"
want="$extra $(cat "$lock" pyproject.toml scripts/setup.sh | sha256sum | cut -c1-16)"
[ "$(cat "$stamp" 2>/dev/null || true)" = "$want" ] && exit 0

if [ -f "$stamp" ] && [ "$(cut -d' ' -f1 "$stamp")" != "$extra" ]; then
    die ".venv holds the $(cut -d' ' -f1 "$stamp") environment; cpu and gpu can't be mixed. Remove .venv, or use a second checkout."
fi

# numpy 2.3 of the CPU lock needs Python 3.11; verl ends at 3.12.
versions="3.12 3.11"; [ "$extra" = cpu ] && versions="3.11 3.12"
python=""
for version in $versions; do
    if command -v "python$version" >/dev/null && "python$version" -c 'import venv' 2>/dev/null; then python="python$version"; break; fi
done
if [ -z "$python" ] && python3 -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null; then
    python=python3
fi
[ -n "$python" ] || die "Python 3.11 or 3.12 is needed and was not found. Install one (apt install python3.11 python3.11-venv)."

say "$extra environment with $($python --version) in .venv/ (a few minutes the first time)"
[ -x .venv/bin/python ] || "$python" -m venv .venv
.venv/bin/python -m pip install --quiet --disable-pip-version-check "uv==0.13.9"

# uv reads neither pip.conf nor PIP_*: hand over what pip knows.
pip_setting() { .venv/bin/python -m pip config list 2>/dev/null | sed -n "s/^[a-z:]*\.$1='\(.*\)'$/\1/p" | tail -1; }
[ -n "${UV_DEFAULT_INDEX:-}" ] || { url="$(pip_setting index-url)"; [ -z "$url" ] || export UV_DEFAULT_INDEX="$url"; }
[ -n "${UV_FIND_LINKS:-}" ] || { links="${PIP_FIND_LINKS:-$(pip_setting find-links)}"; [ -z "$links" ] || export UV_FIND_LINKS="$links"; }
install() { .venv/bin/uv pip install --quiet --python .venv/bin/python --no-deps "$@"; }

if [ "$extra" = cpu ]; then
    torch="$(grep -E '^torch==' "$lock")"
    if ! install "$torch" 2>/dev/null; then
        say "the configured index has no $torch; taking it from the PyTorch index"
        install --index "${TORCH_CPU_INDEX:-https://download.pytorch.org/whl/cpu}" "$torch"
    fi
fi
# flash-attn builds against the torch that is already there, so it comes last and without isolation.
grep -v '^flash-attn==' "$lock" >.venv/packages.txt
install -r .venv/packages.txt
if grep -q '^flash-attn==' "$lock"; then install --no-build-isolation "$(grep '^flash-attn==' "$lock" | cut -d';' -f1)"; fi
install -e .

.venv/bin/python -c "from recipes import plugin; plugin.check()" >/dev/null 2>.venv/check.log \
    || { cat .venv/check.log >&2; die "the plug-in does not load in .venv (see above)"; }
echo "$want" >"$stamp"
say "ready"

#!/usr/bin/env bash
# Make .venv/ at the root of the checkout with exactly the locked packages and this project; safe to run again.
# Usage: bash scripts/setup.sh [cpu|gpu]     default: what .venv holds; else gpu where nvidia-smi lists a GPU, else cpu
#
# Packages come from the index that pip is set up for (pip.conf or PIP_* variables). Only the CPU build of torch may need a
# second one: when that index lacks torch==…+cpu it is taken from TORCH_CPU_INDEX (default: PyTorch's own wheel index).
# flash-attn is had from a wheel, compiled, or left out: scripts/install_flash_attn.py says how, and which variables it reads.
set -euo pipefail
cd "$(dirname "$0")/.."

bold=""; red=""; plain=""
if [ -t 2 ] && [ -z "${NO_COLOR:-}" ] && [ "${TERM:-dumb}" != dumb ]; then
    bold=$'\033[1m'; red=$'\033[1;31m'; plain=$'\033[0m'
fi
say() { printf '%s[setup %d:%02d]%s %s\n' "$bold" $((SECONDS / 60)) $((SECONDS % 60)) "$plain" "$*" >&2; }
die() { printf '%s[setup] %s%s\n' "$red" "$*" "$plain" >&2; exit 1; }

kind=".venv/.kind" # written before anything is installed: an interrupted set-up must not be mixed with the other kind
if [ -f "$kind" ]; then default="$(cat "$kind")"
elif nvidia-smi -L 2>/dev/null | grep -q GPU; then default=gpu
else default=cpu; fi
extra="${1:-$default}"
lock="requirements/$extra.lock"
[ -f "$lock" ] || die "unknown environment '$extra': write cpu or gpu"
if [ -f "$kind" ] && [ "$(cat "$kind")" != "$extra" ]; then
    die ".venv holds the $(cat "$kind") environment; cpu and gpu can't be mixed. Remove .venv, or use a second checkout."
fi

stamp=".venv/.installed"
tasks="requirements/reasoning-gym.lock"
want="$(cat "$lock" "$tasks" requirements/*.hashes pyproject.toml scripts/setup.sh scripts/packages.sh | sha256sum | cut -c1-16)"
flash="$(sed -n 's/^flash-attn==\([^ ;]*\).*/\1/p' "$lock")"
flash_attention() { # tried again by every `setup.sh gpu`: there may be a wheel, a compiler or a network by then
    [ -z "$flash" ] || .venv/bin/python scripts/install_flash_attn.py "$flash" --folder .wheels --log .venv/flash-attn.log
}
if [ "$(cat "$stamp" 2>/dev/null || true)" = "$want" ]; then
    if [ $# -gt 0 ]; then flash_attention; fi
    exit 0
fi

# numpy 2.3 of the CPU lock needs Python 3.11; verl ends at 3.12.
versions="3.12 3.11 3.10"; [ "$extra" = cpu ] && versions="3.11 3.12"
usable() { "$1" -c "import ensurepip, sys, venv; sys.exit('%d.%d' % sys.version_info[:2] not in '$versions'.split())" 2>/dev/null; }
python=""
for candidate in $(printf 'python%s ' $versions) python3; do
    if command -v "$candidate" >/dev/null && usable "$candidate"; then python="$candidate"; break; fi
done
[ -n "$python" ] || die "Python ${versions// / or } with its venv module is needed (apt install python3.11 python3.11-venv)."

say "$extra environment with $($python --version) in .venv/ (a few minutes the first time)"
.venv/bin/python -m pip --version >/dev/null 2>&1 || "$python" -m venv --clear .venv
echo "$extra" >"$kind"
awk '/^[^ ]+==/ { is_uv = /^uv==/ } is_uv' requirements/build.hashes >.venv/uv.txt
.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r .venv/uv.txt

. scripts/packages.sh
# Compiled once here: a training starts some ten processes that import the same thousands of files, and where Python may
# not write its bytecode (a read-only environment, PYTHONDONTWRITEBYTECODE) each of them compiles them again.
quiet="--quiet"; [ -n "$bold" ] && quiet="" # on a terminal uv shows what it downloads
install() {
    .venv/bin/uv pip install $quiet --compile-bytecode --python .venv/bin/python --no-deps --build-constraints requirements/build.hashes "$@"
}
locked() { install --require-hashes --constraints "requirements/$1.hashes" -r "$2"; } # FILE_OF_HASHES LIST: no other file than those

if [ "$extra" = cpu ]; then
    torch="$(grep -E '^torch==' "$lock")"
    say "$torch"
    if install --dry-run "$torch" >.venv/torch.log 2>&1; then
        install "$torch"
    else
        say "the configured index did not give $torch; taking it from the PyTorch index"
        install --index "${TORCH_CPU_INDEX:-https://download.pytorch.org/whl/cpu}" "$torch" \
            || { cat .venv/torch.log >&2; die "$torch is to be had from neither index (the configured one said the above)"; }
    fi
fi
# flash-attn is the one package that need not be: its own script, after the torch that it has to fit. torch's CPU build is there.
grep -v '^flash-attn==\|^torch==[^ ]*+cpu' "$lock" >.venv/packages.txt
say "$(grep -c == .venv/packages.txt) packages of $lock"
locked "$extra" .venv/packages.txt
# data=reasoning_gym need not be had: pycosat, one of its packages, is compiled.
grep -vf <(sed -n 's/^\([^ ]*==\).*/^\1/p' "$lock") "$tasks" >.venv/tasks.txt # what the lock has stays as it is there
locked reasoning-gym .venv/tasks.txt >.venv/reasoning-gym.log 2>&1 \
    || say "without data=reasoning_gym: $tasks did not install (.venv/reasoning-gym.log); pycosat needs gcc and Python's headers"
say "this project, and a check that verl loads it"
install -e .

.venv/bin/python -c "from recipes.plugin import register; register.check()" >/dev/null 2>.venv/check.log \
    || { cat .venv/check.log >&2; die "the plug-in does not load in .venv (see above)"; }
echo "$want" >"$stamp"
flash_attention
say "ready"

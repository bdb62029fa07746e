# The GPU environment of requirements/gpu.lock (torch 2.11.0 for CUDA 13.0, vLLM 0.24.0, Ray 2.60.0).
#
#   docker build --tag rlvr:0.1.0 .
#   docker run --gpus all --shm-size 64g --volume "$PWD/outputs:/opt/rlvr/outputs" rlvr:0.1.0 experiment=dgpo/7b_dgpo
#
# devel, not runtime: flash-attn 2.8.3 is compiled with nvcc where no wheel fits torch 2.11 (scripts/install_flash_attn.py; its
# variables are build arguments here), and vLLM compiles kernels at run time.
FROM nvidia/cuda:13.0.2-devel-ubuntu24.04

SHELL ["/bin/bash", "-o", "pipefail", "-c"]
# Debian packages carry no version here: Ubuntu's archive keeps only the latest, a pinned one stops building within weeks.
# libnuma-dev, not libnuma1: verl loads `libnuma.so`, a name that only the former has.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends \
        build-essential git libibverbs1 librdmacm1 libnuma-dev ninja-build python3.12 python3.12-dev python3.12-venv \
    && rm -rf /var/lib/apt/lists/*

# Ubuntu's image holds a user `ubuntu` with id 1000; it is the one that trains.
RUN install --directory --owner=1000 --group=1000 /opt/rlvr
USER 1000:1000
ENV HOME=/home/ubuntu
WORKDIR /opt/rlvr

ARG MAX_JOBS
ARG FLASH_ATTN_WHEEL
ARG FLASH_ATTN_INDEX
ARG FLASH_ATTN_COMPILE
COPY --chown=1000:1000 pyproject.toml README.md LICENSE ./
COPY --chown=1000:1000 requirements requirements
COPY --chown=1000:1000 scripts scripts
COPY --chown=1000:1000 configs configs
COPY --chown=1000:1000 dgpo dgpo
COPY --chown=1000:1000 maspo maspo
COPY --chown=1000:1000 losses losses
COPY --chown=1000:1000 reward reward
COPY --chown=1000:1000 recipes recipes
RUN bash scripts/setup.sh gpu && rm -rf .wheels "${HOME}/.cache/uv" "${HOME}/.cache/pip"

ENV PATH="/opt/rlvr/.venv/bin:${PATH}"
ENTRYPOINT ["python", "-m", "recipes.launch", "local"]

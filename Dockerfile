# The pinned environment of `make setup`, in /opt/radprompt/.venv, for a clone mounted at /clone (docs/install.md).
FROM python:3.11-slim-bookworm

RUN apt-get update \
    && apt-get install --yes --no-install-recommends gcc git libc6-dev make openssh-client \
    && rm -rf /var/lib/apt/lists/*

# Another build of torch: docker build --build-arg TORCH=...; a CPU build: --build-arg UV_TORCH_BACKEND=cpu
ARG TORCH=torch==2.13.0
ARG UV_TORCH_BACKEND

WORKDIR /opt/radprompt
COPY Makefile pyproject.toml README.md LICENSE ./
COPY requirements requirements
COPY setup.py ./
COPY src src
COPY stages stages
RUN make setup TORCH="$TORCH" && rm -rf ~/.cache && git config --system --add safe.directory /clone

# The code of the mounted clone goes before the copy that was installed.
ENV PATH=/opt/radprompt/.venv/bin:$PATH \
    PYTHONPATH=/clone/src \
    DVC_NO_ANALYTICS=1 \
    GX_ANALYTICS_ENABLED=false \
    HF_HUB_DISABLE_TELEMETRY=1 \
    DO_NOT_TRACK=1
WORKDIR /clone
CMD ["radprompt", "--help"]

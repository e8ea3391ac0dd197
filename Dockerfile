# Two images from one file: `gateway` (the last stage, so the default) and `source`, the development aid.
#   docker build --target gateway -t releasability-gateway .
#
# Packages come from requirements.lock by hash and nothing else; nothing is built. For a deployment pin the base image
# by digest as well: a tag is somebody else's promise.

FROM python:3.11-slim AS packages
WORKDIR /srv
COPY requirements.lock ./
RUN python -m venv .venv \
 && .venv/bin/python -m pip install --require-hashes --no-deps --only-binary :all: --no-cache-dir \
    --disable-pip-version-check -r requirements.lock

FROM python:3.11-slim AS base
# The number is fixed so that whoever mounts a volume or a secret knows whose it must be.
RUN groupadd --system --gid 10001 relgate \
 && useradd --system --uid 10001 --gid relgate --home-dir /srv --shell /usr/sbin/nologin relgate
WORKDIR /srv
COPY --from=packages /srv/.venv /srv/.venv
ENV PATH=/srv/.venv/bin:$PATH \
    PYTHONPATH=/srv \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1

FROM base AS source
COPY sample_source /srv/sample_source
RUN python -m compileall -q /srv/sample_source
USER 10001:10001
EXPOSE 9000
ENTRYPOINT ["python", "-m", "sample_source"]
CMD ["--host", "0.0.0.0", "--port", "9000"]

FROM base AS gateway
COPY LICENSE NOTICE /srv/
COPY gateway /srv/gateway
# The two folders that the gateway writes to: its log and its private keys. A named volume takes over owner and mode.
RUN python -m compileall -q /srv/gateway \
 && install -d -m 0700 -o relgate -g relgate /srv/var /srv/keys/gateway \
 && install -d -m 0755 /srv/policies /srv/keys/partners
USER 10001:10001
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/healthz', timeout=2)"]
ENTRYPOINT ["python", "-m", "gateway"]
CMD ["serve"]

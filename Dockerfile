# syntax=docker/dockerfile:1
# One image for every process: `gateway` (the default), `settlement`, `migrate`, or `up` for all of
# it embedded in one container with its state in the volume /state.

FROM python:3.11.16-slim-bookworm AS build
WORKDIR /source
RUN python -m venv /opt/dropgate
COPY requirements.txt requirements-build.txt ./
RUN --mount=type=cache,target=/root/.cache/pip \
    /opt/dropgate/bin/pip install --disable-pip-version-check --require-hashes --only-binary :all: \
      --requirement requirements.txt --requirement requirements-build.txt
COPY . .
RUN /opt/dropgate/bin/pip install --disable-pip-version-check --no-deps --no-build-isolation . \
 && /opt/dropgate/bin/pip uninstall --yes setuptools pip

FROM python:3.11.16-slim-bookworm
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Dropgate" \
      org.opencontainers.image.description="A gateway for drops: waiting room, atomic stock, pickup codes, settlement" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.base.name="docker.io/library/python:3.11.16-slim-bookworm"
RUN useradd --system --uid 10001 --home-dir /state --no-create-home --shell /usr/sbin/nologin dropgate \
 && install --directory --owner=dropgate --group=dropgate --mode=0700 /state
COPY --from=build /opt/dropgate /opt/dropgate
ENV PATH=/opt/dropgate/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    DROPGATE_STATE_DIR=/state \
    DROPGATE_HOST=0.0.0.0 \
    DROPGATE_METRICS_HOST=0.0.0.0 \
    DROPGATE_DRAIN_DELAY_S=5
USER 10001
WORKDIR /state
VOLUME /state
EXPOSE 8080 9101
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=3s --start-period=60s --retries=3 CMD \
    ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:9101/readyz', timeout=2)"]
ENTRYPOINT ["dropgate"]
CMD ["gateway"]

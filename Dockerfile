# One image for every process: `gateway` (the default), `settlement`, `migrate`, or `up` for all of
# it embedded in one container with its state in the volume /state.

FROM python:3.12-slim-bookworm AS build
WORKDIR /source
RUN python -m venv /opt/dropgate
COPY requirements.txt .
RUN /opt/dropgate/bin/pip install --no-cache-dir --require-hashes --requirement requirements.txt \
 && /opt/dropgate/bin/pip install --no-cache-dir 'setuptools>=80'
COPY . .
RUN /opt/dropgate/bin/pip install --no-cache-dir --no-deps --no-build-isolation . \
 && /opt/dropgate/bin/pip uninstall --yes setuptools pip

FROM python:3.12-slim-bookworm
RUN useradd --system --uid 10001 --no-create-home dropgate \
 && install --directory --owner=dropgate --mode=0700 /state
COPY --from=build /opt/dropgate /opt/dropgate
ENV PATH=/opt/dropgate/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    DROPGATE_STATE_DIR=/state \
    DROPGATE_HOST=0.0.0.0 \
    DROPGATE_METRICS_HOST=0.0.0.0 \
    DROPGATE_DRAIN_DELAY_S=5
USER dropgate
VOLUME /state
EXPOSE 8080 9101
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s --retries=3 CMD \
    ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:9101/readyz', timeout=2)"]
ENTRYPOINT ["dropgate"]
CMD ["gateway"]

# The server, its commands and Chroma in one image, for compose.yaml. docs/scaling.md tells how it is used.
# Nothing needs torch unless a setting names a model of sentence-transformers, so that package is left out here.
FROM python:3.11.13-slim-bookworm AS build
WORKDIR /src
COPY pyproject.toml constraints.txt ./
RUN python -c "import tomllib; p = tomllib.load(open('pyproject.toml', 'rb'))['project']; print(*(d for d in p['dependencies'] + p['optional-dependencies']['postgres'] if not d.startswith('sentence-transformers')), sep='\n')" > wanted.txt \
 && python -m venv /app \
 && /app/bin/pip install --no-cache-dir --disable-pip-version-check -c constraints.txt -r wanted.txt
COPY README.md LICENSE ./
COPY assistant assistant
COPY ingest ingest
COPY ui ui
RUN /app/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps .

FROM python:3.11.13-slim-bookworm
RUN groupadd --gid 10001 cluster \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin cluster \
 && install -d -m 0700 -o cluster -g cluster /data
COPY --from=build /app /app
COPY --chown=10001:10001 corpus /corpus
ENV PATH=/app/bin:$PATH \
    HOME=/tmp \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    CLUSTER_TALKS_DATA=/data \
    CLUSTER_TALKS_CORPUS=/corpus \
    CLUSTER_TALKS_HOST=0.0.0.0
USER 10001:10001
WORKDIR /data
VOLUME ["/data"]
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
ENTRYPOINT ["cluster-talks"]
CMD ["serve"]

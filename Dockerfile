# One image for web, worker, scheduler and migrations. It runs as nobody in particular, and needs no writable disk but /tmp.
FROM python:3.11-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /app
RUN python -m venv /venv
COPY requirements.txt .
RUN /venv/bin/pip install --require-hashes --requirement requirements.txt
COPY manage.py pyproject.toml ./
COPY portal portal
COPY trust trust
COPY notifications notifications
COPY templates templates
COPY static static
COPY docs docs
# The names of static files carry their digests, so they are made once and here. The embedded profile needs no secrets.
RUN EXCHANGE_DATA_DIR=/tmp/build STATIC_ROOT=/app/staticfiles /venv/bin/python manage.py collectstatic --no-input --verbosity 0

FROM python:3.11-slim-bookworm
# Debian's security updates of gpg and openssl are wanted, so their versions are not pinned.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends gnupg gpgv openssl sqv \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --system --gid 10001 exchange \
    && useradd --system --uid 10001 --gid 10001 --no-create-home --home-dir /tmp exchange \
    && install --directory --owner 10001 --group 10001 /var/lib/trust-exchange/floor
COPY --from=build /venv /venv
COPY --from=build /app /app
WORKDIR /app
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    EXCHANGE_PROFILE=production \
    EXCHANGE_DATA_DIR=/tmp/exchange \
    STATIC_ROOT=/app/staticfiles
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s CMD ["python", "-m", "portal.operations.probe"]
CMD ["python", "-m", "portal.server", "--host", "0.0.0.0", "--port", "8000", "--workers", "2"]

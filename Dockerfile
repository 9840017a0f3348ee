# Two stages: the first has what installing needs, the last only what running needs.
FROM python:3.13-slim AS build
WORKDIR /app
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
COPY requirements/bootstrap.txt requirements/production.txt requirements/
RUN python -m venv /opt/avain \
 && /opt/avain/bin/python -m pip install --require-hashes -r requirements/bootstrap.txt \
 && /opt/avain/bin/uv pip install --python /opt/avain/bin/python --require-hashes -r requirements/production.txt
COPY . .
# The application runs from this folder; the `avain` command is a module of it.
RUN /opt/avain/bin/pybabel compile --directory locale --domain avain \
 && /opt/avain/bin/python -m compileall -q . \
 && printf '#!/bin/sh\nexec /opt/avain/bin/python -m cli.main "$@"\n' > /opt/avain/bin/avain \
 && chmod 755 /opt/avain/bin/avain \
 && /opt/avain/bin/python -m pip uninstall --yes uv pip

FROM python:3.13-slim
RUN useradd --system --uid 10001 --home-dir /app --shell /usr/sbin/nologin avain \
 && install -d -o avain -g avain /var/lib/avain
COPY --from=build /opt/avain /opt/avain
COPY --from=build /app /app
WORKDIR /app
ENV PATH=/opt/avain/bin:$PATH PYTHONPATH=/app PYTHONUNBUFFERED=1 \
    AVAIN_ENVIRONMENT=production AVAIN_LOG_FORMAT=json AVAIN_HOME=/var/lib/avain
USER avain
# the console, which docker-compose.yml starts from this image like all else
EXPOSE 8765
ENTRYPOINT ["avain"]
CMD ["doctor"]

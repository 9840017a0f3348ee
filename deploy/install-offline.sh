#!/bin/sh
# Install Avain from a wheelhouse (deploy/wheelhouse.sh), as the Dockerfile does, on a machine without a network: nothing is fetched, nothing is built,
# every file must have the hash that the lock says. Run it in the unpacked sources; docs/review/offline-installation.md says the rest.
#   deploy/install-offline.sh /opt/avain dist/wheelhouse
set -eu
cd "$(dirname "$0")/.."
target=${1:?usage: deploy/install-offline.sh TARGET WHEELHOUSE}
wheelhouse=$(cd "${2:?usage: deploy/install-offline.sh TARGET WHEELHOUSE}" && pwd)
python=${PYTHON:-python3}
installer=$(mktemp -d)
trap 'rm -rf "$installer"' EXIT
"$python" -m pip --isolated install --quiet --disable-pip-version-check --no-index --find-links "$wheelhouse" --require-hashes \
    --target "$installer" --requirement requirements/bootstrap.txt
uv() { "$installer/bin/uv" --offline --no-config --quiet "$@"; }
uv venv --no-python-downloads --python "$python" "$target"
uv pip install --python "$target/bin/python" --no-index --find-links "$wheelhouse" --no-build --require-hashes --requirement requirements/production.txt
mkdir "$target/app"
cp -R alembic.ini pyproject.toml cli connectors console core documents locale migrations models schedules services workers "$target/app"
# the translations, and modules compiled once instead of by everybody who may not write there
(cd "$target/app" && "$target/bin/pybabel" --quiet compile --directory locale --domain avain && "$target/bin/python" -m compileall -q .)
printf '#!/bin/sh\nPYTHONPATH=%s/app exec %s/bin/python -m cli.main "$@"\n' "$target" "$target" > "$target/bin/avain"
chmod 755 "$target/bin/avain"
echo "$target/bin/avain"

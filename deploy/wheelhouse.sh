#!/bin/sh
# Fetch all that an installation without a network needs into one folder: wheels of requirements/production.txt and of the installer, each with
# the hash that the lock says, and nothing that would have to be built. Further words go to pip: for a machine that is not like this one,
#   deploy/wheelhouse.sh dist/wheelhouse --python-version 3.13 --platform manylinux_2_28_x86_64 --platform manylinux2014_x86_64
set -eu
cd "$(dirname "$0")/.."
folder=${1:?usage: deploy/wheelhouse.sh FOLDER [options of pip download]}
shift
python=${PYTHON:-python3}
mkdir -p "$folder"
for lock in bootstrap production; do
    "$python" -m pip download -qq --disable-pip-version-check --only-binary :all: --no-deps --require-hashes \
        --dest "$folder" "$@" --requirement "requirements/$lock.txt"
done
# what an earlier fetching left behind belongs to another lock
for wheel in "$folder"/*.whl; do
    sum=$(sha256sum "$wheel" | cut -d ' ' -f 1)
    grep -q "$sum" requirements/bootstrap.txt requirements/production.txt || rm "$wheel"
done
echo "$folder: $(ls "$folder" | wc -l) wheels, $(du -sh "$folder" | cut -f 1)"

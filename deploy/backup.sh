#!/bin/sh
# A copy of the database into a folder, by the programs of the database's own image: what `avain db backup` does where those are not at
# hand. Not while `avain db upgrade` runs. PGHOST, PGUSER, PGPASSWORD and PGDATABASE say which database; docs/backup.md says the rest.
set -eu
umask 077
folder=${1:-/backup}
name=avain-$(date -u +%Y-%m-%dT%H%M%SZ).dump
part=$folder/.$name.part
trap 'rm -f "$part"' EXIT
trap 'exit 1' HUP INT TERM
pg_dump --format=custom --lock-wait-timeout=60s --no-password --file="$part"
pg_restore --data-only --file=/dev/null "$part" # a copy that cannot be read is none
sum=$(sha256sum "$part" | cut -d ' ' -f 1)
printf '%s  %s\n' "$sum" "$name" > "$folder/$name.sha256"
sync "$part" "$folder/$name.sha256"
mv "$part" "$folder/$name"
sync "$folder"
echo "$folder/$name"

#!/bin/sh
# Run once by the database image: the application's role, which owns nothing and may not change the schema or the audit trail.
# Its grants come from the migrations.
set -eu
psql --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" --set password="$APP_PASSWORD" <<'SQL'
CREATE ROLE avain_app LOGIN PASSWORD :'password' NOSUPERUSER NOCREATEDB NOCREATEROLE;
SQL

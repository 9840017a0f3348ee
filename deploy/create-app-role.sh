#!/bin/sh
# Run once by the database image: the application's role, which owns nothing and may not change the schema or the audit trail, and the role for
# reporting, which reads views without identity and nothing else. Their grants come from the migrations.
set -eu
psql --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" --set password="$APP_PASSWORD" <<'SQL'
CREATE ROLE avain_app LOGIN PASSWORD :'password' NOSUPERUSER NOCREATEDB NOCREATEROLE;
SQL
# without a password nobody can log in as the reader
psql --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" --set password="${READER_PASSWORD:-}" <<'SQL'
CREATE ROLE avain_reader LOGIN PASSWORD :'password' NOSUPERUSER NOCREATEDB NOCREATEROLE CONNECTION LIMIT 5;
ALTER ROLE avain_reader SET default_transaction_read_only = on;
ALTER ROLE avain_reader SET statement_timeout = '60s';
SQL

#!/bin/sh
# Run once by the database image: the application's role, which owns nothing and may not change the schema or the audit trail, and the role for
# reporting, which reads views without identity and nothing else. Their grants come from the migrations. Passwords are read by psql from the
# environment: what stands on a command line is seen by everybody on the machine.
set -eu
psql --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" <<'SQL'
\getenv password APP_PASSWORD
CREATE ROLE avain_app LOGIN PASSWORD :'password' NOSUPERUSER NOCREATEDB NOCREATEROLE;
SQL
# without a password nobody can log in as the reader
export READER_PASSWORD="${READER_PASSWORD:-}"
psql --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" <<'SQL'
\getenv password READER_PASSWORD
CREATE ROLE avain_reader LOGIN PASSWORD :'password' NOSUPERUSER NOCREATEDB NOCREATEROLE CONNECTION LIMIT 5;
ALTER ROLE avain_reader SET default_transaction_read_only = on;
ALTER ROLE avain_reader SET statement_timeout = '60s';
SQL

#!/bin/sh
# Runs once, as superuser, when the database's volume is new.
#
# The login of the gateways is no superuser and has no BYPASSRLS, because policies bind neither. It makes the serving roles itself
# at the first migration, hence CREATEROLE. pgvector is not a trusted extension: only a superuser can create it. And only a superuser
# can say that comparing words tells nothing of rows that a policy hides, without which policies keep that from its index.
set -eu
psql --no-psqlrc --set ON_ERROR_STOP=1 --set password="$PARLEY_DB_PASSWORD" \
  --username "$POSTGRES_USER" --dbname postgres <<'SQL'
create role parley login createrole nosuperuser nocreatedb nobypassrls noreplication password :'password';
create database parley owner parley;
revoke connect on database parley from public;
\connect parley
create extension vector;
alter function ts_match_vq(tsvector, tsquery) leakproof;
SQL

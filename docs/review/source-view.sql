-- Views through which Avain reads cases, and the role it reads them by: for the administrator of the client information system's reporting
-- database (here PostgreSQL; what differs elsewhere stands in source-view.md). The base tables (asiakas.…) are invented: put yours in their place.
-- The names of the views' columns may stay, then the profile of docs/sources/sql-view.md reads them as it is.
--
-- Run as the owner of the base tables. Nothing here is written by Avain; whoever owns the views can change or withdraw them at any time.

-- The role: it may sign in, open two connections, read, and nothing else. Give it its password with \password avain_lukija, which no log records.
CREATE ROLE avain_lukija LOGIN CONNECTION LIMIT 2 NOSUPERUSER NOCREATEDB NOCREATEROLE NOINHERIT;

CREATE SCHEMA avain;

-- One row for each case that Avain is for, and for no other. No name, no address and no henkilötunnus is among the columns.
CREATE VIEW avain.asiakkuudet AS
SELECT k.tunnus                  AS asiakkuus,
       k.asiakasviite            AS asiakas,        -- a reference of the client, never a henkilötunnus
       h.turvakielto             AS turvakielto,    -- true: fewer people see the case in Avain, and its papers say so
       k.omatyontekija           AS omatyontekija,  -- the worker's id, as in the list of workers that is imported into Avain
       k.tila                    AS tila,
       k.suunnitelma_pvm         AS suunnitelma,
       k.poistettu               AS poistettu,      -- true: the case is no longer for Avain
       greatest(k.muutettu,                         -- a case has changed when anything of it has
                (SELECT max(p.muutettu) FROM asiakas.paatos p WHERE p.asiakkuus = k.tunnus),
                (SELECT max(s.muutettu) FROM asiakas.palvelu s WHERE s.asiakkuus = k.tunnus)) AS muuttunut
FROM asiakas.asiakkuus k
JOIN asiakas.henkilo h ON h.tunnus = k.henkilo
WHERE k.palvelutehtava = 'HB';

CREATE VIEW avain.paatokset AS
SELECT p.asiakkuus, p.tunnus AS paatos, p.numero, p.paatospaiva, p.myonnetty
FROM asiakas.paatos p
JOIN asiakas.asiakkuus k ON k.tunnus = p.asiakkuus
WHERE k.palvelutehtava = 'HB';

CREATE VIEW avain.palvelut AS
SELECT s.asiakkuus, s.tunnus AS rivi, s.paatos, s.palvelukoodi AS palvelu, s.maara, s.yksikko, s.alkaa, s.paattyy, s.tuottaja
FROM asiakas.palvelu s
JOIN asiakas.asiakkuus k ON k.tunnus = s.asiakkuus
WHERE k.palvelutehtava = 'HB';

GRANT USAGE ON SCHEMA avain TO avain_lukija;
GRANT SELECT ON avain.asiakkuudet, avain.paatokset, avain.palvelut TO avain_lukija;

-- However the client asks: reading only, and never for longer than five minutes.
ALTER ROLE avain_lukija SET default_transaction_read_only = on;
ALTER ROLE avain_lukija SET statement_timeout = '5min';

-- A check that fails loudly: the role can read these three views and no other table or view of anybody's, and can change nothing.
DO $$
DECLARE
    found text;
BEGIN
    SELECT string_agg(format('%I.%I', nspname, relname), ', ') INTO found
    FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE relkind IN ('r', 'p', 'v', 'm', 'f') AND nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
      AND (has_table_privilege('avain_lukija', pg_class.oid, 'INSERT, UPDATE, DELETE, TRUNCATE')
           OR (nspname <> 'avain' AND has_schema_privilege('avain_lukija', pg_namespace.oid, 'USAGE')
               AND has_any_column_privilege('avain_lukija', pg_class.oid, 'SELECT')));
    IF found IS NOT NULL THEN
        RAISE EXCEPTION 'avain_lukija has too many rights on %', found;
    END IF;
END $$;

-- To withdraw all of it:
--   DROP SCHEMA avain CASCADE; DROP ROLE avain_lukija;

-- What servers remember of callers, and how they are made to forget it (src/callers).

-- Whatever makes a secret worth less, or somebody else's, leaves a row here in its own
-- transaction. Servers find what is new by comparing snapshots, not numbers: nobody waits for a
-- common counter, and no row is missed in whatever order the transactions end.
create table revocations (
    by_transaction xid8 not null default pg_current_xact_id(),
    -- Whose secrets; null: everybody's.
    org_id bigint,
    made_at timestamptz not null default clock_timestamp()
);
create index revocations_by_transaction on revocations (by_transaction);

-- Every server that may answer from memory, renewed before it runs out; a row that ran out counts
-- for nothing. A server without a row remembers nobody.
create table caller_caches (
    server uuid primary key,
    -- Revocations that this snapshot sees have been acted upon.
    seen pg_snapshot not null,
    expires_at timestamptz not null
);

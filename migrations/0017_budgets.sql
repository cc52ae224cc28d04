-- What servers have taken together of budgets (src/budgets): calls that an account at a vendor, or an
-- organization, may make in a window. Nobody misses it after a crash, so that it needs no log.
create unlogged table budgets (
    -- SHA-256 of whose budget it is.
    key bytea primary key,
    window_ends_at timestamptz not null,
    -- Calls of this window that servers have taken to spend.
    spent bigint not null,
    -- What the last lease gave.
    granted bigint not null,
    -- Calls of a window as the vendor last said; null: it has not.
    learned bigint,
    -- Until then the vendor wants to be left alone.
    held_until timestamptz
);
create index budgets_idle on budgets (window_ends_at);

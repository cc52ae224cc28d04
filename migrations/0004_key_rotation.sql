-- Rotation of keys beside running servers (src/keys).

-- A key that was taken out of use. It stays known, so that a server with an old keyring, whose
-- current key it still is, can be refused.
alter table key_checks add column retired_at timestamptz;

-- A data key that every server shall be able to open with before any of them seals with it.
alter table organization_keys add column staged boolean not null default false;

-- Counts up whenever servers must forget the data keys that they have opened. Without a row: 0.
create table key_epoch (
    only_one boolean primary key default true check (only_one),
    epoch bigint not null
);

-- What each running server holds, renewed every second; a row that ran out counts for nothing.
create table key_holders (
    server uuid primary key,
    host text not null,
    epoch bigint not null,
    key_ids text[] not null,
    current_encrypt text not null,
    current_find text not null,
    expires_at timestamptz not null
);

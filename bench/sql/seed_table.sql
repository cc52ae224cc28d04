-- What of an instance is its own; the rest comes from the model.
drop table if exists bench.seed;
create unlogged table bench.seed (
    id bigint,
    org_id bigint,
    row_id uuid,
    pepper_id text,
    credentials_sealed bytea,
    token_sealed bytea,
    hmac bytea
);

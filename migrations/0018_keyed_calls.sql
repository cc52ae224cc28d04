-- Hub calls with an `Idempotency-Key` (src/hub/keyed): which are under way, and what those that are
-- over were answered. A row goes with its instance and its user.
create table keyed_calls (
    org_id bigint not null,
    -- Of this attempt; who takes a call over makes another row.
    id uuid not null,
    user_id bigint not null,
    instance_id bigint not null,
    -- Method and path of the resource as the definition writes them, never what stands for their variables.
    route text not null,
    key_hmac bytea not null,
    body_hmac bytea not null,
    pepper_id text not null,
    -- Sending: the vendor is asked for something that changes something there, or was.
    state text not null check (state in ('claimed', 'sending', 'done')),
    -- Whether all that was sent may be sent again.
    repeatable boolean not null default true,
    -- Whoever works on it moves this on; when it is over, nobody does any more.
    lease_until timestamptz not null,
    answer_sealed bytea,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    primary key (org_id, id),
    unique (org_id, user_id, instance_id, route, key_hmac),
    foreign key (org_id, user_id) references users (org_id, id) on delete cascade,
    foreign key (org_id, instance_id) references instances (org_id, id) on delete cascade,
    check ((state = 'done') = (answer_sealed is not null))
);
create index keyed_calls_instance on keyed_calls (org_id, instance_id);
create index keyed_calls_expiry on keyed_calls (expires_at);

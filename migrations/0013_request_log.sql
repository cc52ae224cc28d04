-- The request log (src/request_log): which calls were made, and what came of them. Its partitions, one
-- per day of UTC, are made and dropped by the servers. No foreign keys: a row outlives what it names.
create table request_log (
    org_id bigint not null,
    -- When the call came in, by the server's clock.
    at timestamptz not null,
    -- Begins with the second of `at`, so that a request is found by its id alone.
    request_id bytea not null,
    -- The instance's, else the caller's.
    account_id bigint not null,
    user_id bigint not null,
    instance_id bigint,
    element_key text,
    method text not null,
    -- Pattern of the route or path of the resource as defined; never what a caller has sent.
    route text not null,
    resource text,
    status smallint not null,
    vendor_status smallint,
    attempts smallint not null,
    own_us bigint not null,
    vendor_us bigint not null,
    bytes_in bigint not null,
    bytes_out bigint not null,
    -- The answer went out to its end.
    complete boolean not null,
    -- Of path and query, under a pepper: tells equal calls, and nothing of what they hold.
    arguments_hash bytea,
    client inet,
    primary key (org_id, at, request_id)
) partition by range (at);
create index request_log_instance on request_log (org_id, instance_id, at) where instance_id is not null;
create index request_log_failures on request_log (org_id, at) where status >= 400;

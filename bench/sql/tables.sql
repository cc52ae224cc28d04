-- The tables that a create writes to, with their indexes, checks and references, beside the
-- server's own, so that pgbench's rows never meet the server's.
drop schema if exists bench cascade;
create schema bench;
create table bench.instances (like public.instances including all);
alter table bench.instances
    add foreign key (org_id, account_id) references public.accounts (org_id, id),
    add foreign key (org_id, user_id) references public.users (org_id, id);
create table bench.secret_index (like public.secret_index including all);
create table bench.instance_directory (like public.instance_directory including all);

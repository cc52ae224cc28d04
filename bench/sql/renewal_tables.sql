-- The tables that a renewal writes to, with their indexes, and with the crowd in them.
drop schema if exists bench cascade;
create schema bench;
create table bench.instances (like public.instances including all);
insert into bench.instances overriding system value select * from public.instances;
create table bench.exchanges (like public.exchanges including all);

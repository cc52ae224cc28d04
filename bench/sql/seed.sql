-- Instances of the seed after the one that the server made first, each with its organization's only
-- user, its token's fingerprint and its place in the directory.
begin;
with model as (select * from public.instances order by id limit 1)
insert into public.instances
    (org_id, id, account_id, user_id, row_id, element_key, name, name_folded, tags,
     credential_group, configuration, credentials_sealed, token_sealed)
select s.org_id, s.id, u.account_id, u.id, s.row_id, m.element_key, m.name || ' ' || s.id,
       m.name_folded || ' ' || s.id, m.tags, m.credential_group, m.configuration,
       s.credentials_sealed, s.token_sealed
from bench.seed s
join public.users u on u.org_id = s.org_id
cross join model m;
insert into public.secret_index (hmac, kind, org_id, object_id, pepper_id)
select hmac, 'instance', org_id, id, pepper_id from bench.seed;
insert into public.instance_directory (id, org_id) select id, org_id from bench.seed;
commit;

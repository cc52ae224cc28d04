-- One create as pgbench shall repeat it, with the values and sizes of an instance that the server
-- made. Blobs of one length cost the same whatever they hold; the fingerprint is new each time,
-- because where it falls in its index is what costs.
select format(
$script$begin;
insert into bench.instances (org_id, account_id, user_id, row_id, element_key, name, tags,
    credential_group, configuration, credentials_sealed, token_sealed)
  values (%s, %s, %s, gen_random_uuid(), %L, %L, %L, %L, %L,
    decode(%L, 'hex'), decode(%L, 'hex')) returning id \gset
insert into bench.secret_index (hmac, kind, org_id, object_id, pepper_id)
  values (sha256(int8send(:id)), 'instance', %s, :id, %L);
insert into bench.instance_directory (id, org_id) values (:id, %s);
end;
$script$,
    i.org_id, i.account_id, i.user_id, i.element_key, i.name, i.tags, i.credential_group,
    i.configuration, encode(i.credentials_sealed, 'hex'), encode(i.token_sealed, 'hex'),
    i.org_id, s.pepper_id, i.org_id)
from public.instances i
join public.secret_index s
  on s.org_id = i.org_id and s.kind = 'instance' and s.object_id = i.id
order by i.id desc
limit 1;

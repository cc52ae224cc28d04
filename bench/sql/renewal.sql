-- What one renewal writes, with the same three commits: the intent and the lease, the answer, the tokens.
begin;
select exists (select 1 from bench.exchanges
               where org_id = :organization and instance_id = :id and state in ('intent', 'answered'));
update bench.instances set lease_holder = gen_random_uuid(), lease_until = now() + interval '90 seconds'
where org_id = :organization and id = :id;
insert into bench.exchanges (org_id, id, instance_id, user_id, purpose, state, generation, intent_sealed,
                             holder, lease_until)
values (:organization, gen_random_uuid(), :id, 1, 'renew', 'intent', 1, decode(repeat('ab', 64), 'hex'),
        gen_random_uuid(), now() + interval '90 seconds')
returning id as exchange \gset
end;
begin;
update bench.exchanges set state = 'answered', answer_sealed = decode(repeat('ab', 400), 'hex'),
    answered_at = now()
where org_id = :organization and id = :exchange;
end;
begin;
select 1 from bench.instances where org_id = :organization and id = :id for no key update;
update bench.instances
set configuration = configuration || '{}', credentials_sealed = decode(repeat('ab', :sealed), 'hex'),
    renewal_due_at = now() + interval '1 hour', renewed_at = now(), generation = generation + 1,
    lease_holder = null, lease_until = null
where org_id = :organization and id = :id;
update bench.exchanges set state = 'applied', applied_at = now(), intent_sealed = null, answer_sealed = null
where org_id = :organization and id = :exchange;
end;

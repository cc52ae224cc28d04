-- One create as pgbench shall repeat it: the rows of an instance that the server made, column by
-- column, so that sizes agree and a new column needs no change here. Nulls, times and identities
-- are left to defaults. Blobs of one length cost the same whatever they hold; the fingerprint is
-- new each time, because where it falls in its index is what costs.
with model as (
    select i as instance, s as secret, d as directory
    from public.instances i
    join public.secret_index s
      on s.org_id = i.org_id and s.kind = 'instance' and s.object_id = i.id
    join public.instance_directory d on d.id = i.id
    order by i.id desc
    limit 1
), columns as (
    select 1 as step, 'instances' as name, each.key, each.value, own.expression
    from model, jsonb_each(to_jsonb(model.instance)) as each
    left join (values ('row_id', 'gen_random_uuid()')) as own (key, expression)
      on own.key = each.key
    where each.key not in ('id', 'created_at', 'updated_at')
  union all
    select 2, 'secret_index', each.key, each.value, own.expression
    from model, jsonb_each(to_jsonb(model.secret)) as each
    left join (values ('hmac', 'sha256(int8send(:id))'), ('object_id', ':id')) as own (key, expression)
      on own.key = each.key
  union all
    select 3, 'instance_directory', each.key, each.value, own.expression
    from model, jsonb_each(to_jsonb(model.directory)) as each
    left join (values ('id', ':id')) as own (key, expression)
      on own.key = each.key
), inserts as (
    select step, format('insert into bench.%I (%s) values (%s)%s', name,
        string_agg(quote_ident(key), ', ' order by key),
        string_agg(
            coalesce(expression, case jsonb_typeof(value)
                when 'array' then quote_literal(array(select jsonb_array_elements_text(value))::text)
                else quote_literal(value #>> '{}')
            end), ', ' order by key),
        case step when 1 then E' returning id \\gset\n' else E';\n' end) as statement
    from columns
    where jsonb_typeof(value) <> 'null'
    group by step, name
)
select E'begin;\n' || string_agg(statement, '' order by step) || E'end;\n'
from inserts;

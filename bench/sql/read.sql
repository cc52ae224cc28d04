\set id random(:lowest, :highest)
select * from public.instances where org_id = :organization and id = :id;

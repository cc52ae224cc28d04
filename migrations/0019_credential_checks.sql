-- When a vendor was last asked whether it takes an instance's credentials, because it had refused a
-- call made with some that nothing here can renew (src/ready/owner.rs). Null: not since they were
-- given.
alter table instances add column checked_at timestamptz;

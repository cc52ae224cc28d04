-- Renewal of vendor sessions comes into use (src/renewal).

-- Tries since the last success; decides how long the next one waits.
alter table instances add column renewal_attempts int not null default 0;
-- Some server is about to renew it, and others look elsewhere. What keeps two from doing so is the
-- lease beside it: a claim only saves them the way.
alter table instances add column renewal_claimed_until timestamptz;
-- Equal to the generation: the vendor may have used up the stored refresh token. Any other log-in
-- counts the generation up, and with it the doubt is over.
alter table instances add column renewal_doubt_generation bigint;

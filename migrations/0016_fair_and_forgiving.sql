-- What notifications and renewals remember of those who ask for them (src/notifications, src/renewal).

-- Who made a subscription: what an administrator hears of other accounts ends with the role. Null:
-- made by a version that did not note it; then an administrator of its account must be there.
alter table notification_subscriptions add column user_id bigint;
alter table notification_subscriptions add foreign key (org_id, user_id)
    references users (org_id, id);
-- Its receiver has left so much untaken that nothing more is written for it. Counted now and then,
-- beside whatever is told.
alter table notification_subscriptions add column overfull boolean not null default false;

-- When a call that needs new tokens may try for itself, although the worker's own time has not
-- come. Null: not before that.
alter table instances add column renewal_by_call_at timestamptz;
-- Renewals in a row after which the vendor refused the very call that they were made for, and the
-- generation of the last one that was judged.
alter table instances add column renewals_in_vain int not null default 0;
alter table instances add column renewal_judged_generation bigint;

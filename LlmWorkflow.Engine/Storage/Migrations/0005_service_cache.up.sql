-- Kept replies of external services. A row is a kept reply, or the place of one that is being fetched for the first time, or both: a reply that is being
-- fetched anew. Whoever fetches holds a lease: filling_by until filling_until. After expires_at a reply only stands in for a failed call, until kept_until.
drop index external_api_cache_expires_at;
alter table external_api_cache rename column created_at to filled_at;
alter table external_api_cache
    alter column filled_at drop default,
    alter column filled_at drop not null,
    alter column status_code drop not null,
    alter column body drop not null,
    alter column expires_at drop not null,
    add column bytes integer,
    add column kept_until timestamptz,
    add column filling_by uuid,
    add column filling_until timestamptz;
update external_api_cache set bytes = octet_length(body), kept_until = expires_at;
alter table external_api_cache
    add constraint reply_filled check (num_nulls(filled_at, status_code, body, bytes, expires_at, kept_until) in (0, 6)),
    add constraint reply_lease check ((filling_by is null) = (filling_until is null)),
    add constraint reply_has_use check (filled_at is not null or filling_by is not null);

-- What can be deleted, oldest first.
create index external_api_cache_useless_after on external_api_cache (coalesce(kept_until, filling_until));

-- What became of requests: each counts once, as a hit of a level, as shared (it waited for another's call) or as a miss (it made the call). Stale ones and
-- errors are among the misses and the shared ones.
create table external_api_cache_stats (
    service      text not null,
    operation    text not null,
    memory_hits  bigint not null default 0,
    redis_hits   bigint not null default 0,
    table_hits   bigint not null default 0,
    shared       bigint not null default 0,
    misses       bigint not null default 0,
    stale        bigint not null default 0,
    errors       bigint not null default 0,
    since        timestamptz not null default now(),
    primary key (service, operation)
);

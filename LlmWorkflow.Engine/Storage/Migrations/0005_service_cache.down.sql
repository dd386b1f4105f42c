drop table external_api_cache_stats;
drop index external_api_cache_useless_after;
delete from external_api_cache where filled_at is null;
alter table external_api_cache
    drop constraint reply_filled,
    drop constraint reply_lease,
    drop constraint reply_has_use,
    drop column filling_until,
    drop column filling_by,
    drop column kept_until,
    drop column bytes,
    alter column expires_at set not null,
    alter column body set not null,
    alter column status_code set not null,
    alter column filled_at set not null,
    alter column filled_at set default now();
alter table external_api_cache rename column filled_at to created_at;
create index external_api_cache_expires_at on external_api_cache (expires_at);

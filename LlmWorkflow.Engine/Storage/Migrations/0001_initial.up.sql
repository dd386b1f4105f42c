-- Payloads are json, not jsonb: key order and number texts stay as given, and a write is cheaper. Nothing filters by them.

create table llm_workflow_definitions (
    hash        text primary key check (hash ~ '^[0-9a-f]{64}$'),
    name        text not null,
    definition  text not null,
    prompts     json not null,
    created_at  timestamptz not null default now()
);

create table llm_workers (
    id          uuid primary key,
    host        text not null,
    boot_id     text not null,
    pid         integer not null,
    version     text not null,
    capacity    integer not null,
    started_at  timestamptz not null default now(),
    renewed_at  timestamptz not null default now(),
    expires_at  timestamptz not null
);
create index llm_workers_expires_at on llm_workers (expires_at);

create table llm_workflow_jobs (
    id                   uuid primary key,
    workflow_name        text not null,
    definition_hash      text not null references llm_workflow_definitions (hash),
    status               text not null check (status in ('pending', 'queued', 'processing', 'waiting', 'completed', 'failed', 'cancelled')),
    priority             smallint not null default 5 check (priority between 0 and 10),
    user_id              uuid,
    username             varchar(255),
    action               varchar(255),
    tags                 text[] not null default '{}',
    input_data           json not null,
    result_data          json,
    cost_data            json,
    error                jsonb,
    error_message        text,
    created_at           timestamptz not null default now(),
    queued_at            timestamptz,
    started_at           timestamptz,
    completed_at         timestamptz,
    run_at               timestamptz,
    duration_ms          bigint,
    -- Start of the present run and running time of the earlier ones: timeouts count running time only.
    run_started_at       timestamptz,
    ran_ms               bigint not null default 0,
    retry_count          integer not null default 0,
    takeovers            integer not null default 0,
    max_retries          integer not null default 3,
    fence                bigint not null default 0,
    lease_owner          uuid,
    set_aside_for        text,
    waiting_for          text,
    cancel_requested_at  timestamptz,
    is_stale             boolean not null default false,
    stale_reason         text,
    idempotency_scope    text,
    idempotency_key      text,
    request_hash         text,
    webhook_url          text,
    webhook_secret       bytea,
    webhook_events       text[] not null default '{}',
    current_step_id      text,
    current_step         text,
    progress             smallint not null default 0 check (progress between 0 and 100),
    event_seq            bigint not null default 0,
    total_tokens         bigint not null default 0,
    total_cost_usd       numeric(20,12) not null default 0,
    max_cost_usd         numeric(20,12),
    parent_job_id        uuid,
    trace_parent         text,
    debug_mode           boolean not null default false,
    constraint job_lease check ((status = 'processing') = (lease_owner is not null)),
    constraint job_end check ((status in ('completed', 'failed', 'cancelled')) = (completed_at is not null)),
    constraint job_pending check (status <> 'pending' or run_at is not null),
    constraint job_queued check (status <> 'queued' or queued_at is not null),
    constraint job_failed check (status <> 'failed' or error is not null),
    constraint job_waiting check (status <> 'waiting' or waiting_for is not null),
    constraint job_set_aside check (set_aside_for is null or status = 'queued')
) with (fillfactor = 70);
create index llm_workflow_jobs_created_at on llm_workflow_jobs (created_at desc, id desc);
create index llm_workflow_jobs_status on llm_workflow_jobs (status, created_at desc);
create index llm_workflow_jobs_user_id on llm_workflow_jobs (user_id, created_at desc) where user_id is not null;
create index llm_workflow_jobs_workflow_name on llm_workflow_jobs (workflow_name, created_at desc);
create index llm_workflow_jobs_queued on llm_workflow_jobs (priority, queued_at) where status = 'queued';
create index llm_workflow_jobs_pending on llm_workflow_jobs (run_at) where status = 'pending';
create index llm_workflow_jobs_leased on llm_workflow_jobs (lease_owner) where status = 'processing';
create index llm_workflow_jobs_cancelling on llm_workflow_jobs (lease_owner) where status = 'processing' and cancel_requested_at is not null;
create index llm_workflow_jobs_stale on llm_workflow_jobs (created_at) where is_stale;
create unique index llm_workflow_jobs_idempotency on llm_workflow_jobs (idempotency_scope, idempotency_key) where idempotency_key is not null;

-- The main app's users, where this database is shared with it: erasing a user erases the user's jobs.
do $$
begin
    if to_regclass('profiles') is not null then
        alter table llm_workflow_jobs add constraint llm_workflow_jobs_user
            foreign key (user_id) references profiles (id) on delete cascade;
    end if;
end
$$;

create table llm_step_runs (
    job_id        uuid not null references llm_workflow_jobs (id) on delete cascade,
    step_path     text not null,
    step_id       text not null,
    step_type     text not null,
    display_name  text not null,
    status        text not null check (status in ('completed', 'failed', 'skipped')),
    attempts      integer not null default 1,
    input         json,
    output        json,
    error         jsonb,
    usage         json,
    debug         json,
    started_at    timestamptz not null,
    completed_at  timestamptz not null,
    duration_ms   bigint not null,
    primary key (job_id, step_path)
);

create table llm_job_events (
    job_id      uuid not null references llm_workflow_jobs (id) on delete cascade,
    sequence    bigint not null,
    type        text not null,
    data        json not null,
    created_at  timestamptz not null default now(),
    primary key (job_id, sequence)
);

-- The ledger of provider calls. No foreign key to the job: what was spent outlives it.
create table llm_provider_usage (
    id                  uuid primary key,
    job_id              uuid not null,
    workflow_name       text not null,
    user_id             uuid,
    step_path           text not null,
    ordinal             integer not null,
    state               text not null check (state in ('reserved', 'settled', 'aborted', 'possibly_billed')),
    purpose             text not null check (purpose in ('useful', 'retry', 'repair', 'fallback', 'cancelled')),
    provider            text not null,
    requested_model     text not null,
    answered_model      text,
    response_id         text,
    request_hash        text not null,
    reply               json,
    input_tokens        bigint not null default 0,
    output_tokens       bigint not null default 0,
    cache_read_tokens   bigint not null default 0,
    cache_write_tokens  bigint not null default 0,
    cache_write_1h_tokens bigint not null default 0,
    reasoning_tokens    bigint not null default 0,
    tokens_estimated    boolean not null default false,
    reserved_usd        numeric(20,12),
    estimated_usd       numeric(20,12),
    computed_usd        numeric(20,12),
    reported_usd        numeric(20,12),
    cost_usd            numeric(20,12),
    cost_source         text not null default 'unknown' check (cost_source in ('reported', 'computed', 'estimated', 'unknown')),
    error_type          text,
    duration_ms         bigint,
    metadata            json,
    owner               uuid not null,
    fence               bigint not null,
    created_at          timestamptz not null default now(),
    settled_at          timestamptz,
    constraint usage_settled check ((state in ('settled', 'aborted')) = (settled_at is not null)),
    unique (job_id, step_path, ordinal)
);
create index llm_provider_usage_created_at on llm_provider_usage (created_at);
create index llm_provider_usage_user_id on llm_provider_usage (user_id, created_at) where user_id is not null;
create index llm_provider_usage_open on llm_provider_usage (job_id) where state = 'reserved';

create table llm_webhook_deliveries (
    id               uuid primary key,
    job_id           uuid not null,
    -- Order of recording: deliveries of one job go out in this order.
    sequence         bigint generated always as identity,
    event            text not null,
    url              text not null,
    secret           bytea,
    payload          text not null,
    trace_parent     text,
    state            text not null default 'pending' check (state in ('pending', 'delivered', 'dead', 'stopped')),
    attempts         integer not null default 0,
    next_attempt_at  timestamptz not null default now(),
    created_at       timestamptz not null default now(),
    finished_at      timestamptz,
    last_status      integer,
    last_error       text,
    constraint delivery_end check ((state = 'pending') = (finished_at is null))
);
create index llm_webhook_deliveries_due on llm_webhook_deliveries (next_attempt_at) where state = 'pending';
create index llm_webhook_deliveries_job on llm_webhook_deliveries (job_id, sequence);
create index llm_webhook_deliveries_state on llm_webhook_deliveries (state, created_at desc);

create table llm_webhook_attempts (
    delivery_id    uuid not null references llm_webhook_deliveries (id) on delete cascade,
    attempt        integer not null,
    started_at     timestamptz not null,
    duration_ms    bigint not null,
    status_code    integer,
    response_body  text,
    error          text,
    next_retry_at  timestamptz,
    primary key (delivery_id, attempt)
);

create table llm_schedules (
    id              uuid primary key,
    name            text not null unique,
    workflow_name   text not null,
    cron            text not null,
    time_zone       text not null default 'UTC',
    overlap_policy  text not null default 'skip' check (overlap_policy in ('skip', 'allow', 'cancel_running')),
    job_template    json not null,
    enabled         boolean not null default true,
    next_run_at     timestamptz,
    last_run_at     timestamptz,
    last_job_id     uuid,
    created_at      timestamptz not null default now()
);
create index llm_schedules_due on llm_schedules (next_run_at) where enabled;

create table external_api_cache (
    key          text primary key,
    service      text not null,
    operation    text not null,
    status_code  integer not null,
    body         text not null,
    hits         bigint not null default 0,
    created_at   timestamptz not null default now(),
    expires_at   timestamptz not null
);
create index external_api_cache_expires_at on external_api_cache (expires_at);
create index external_api_cache_service on external_api_cache (service, operation);

create table projects (
    project_id  text not null,
    chat_id     text not null,
    run_id      uuid not null unique,
    job_id      uuid,
    spec_json   json not null,
    created_at  timestamptz not null default now(),
    updated_at  timestamptz not null default now(),
    primary key (project_id, chat_id)
);

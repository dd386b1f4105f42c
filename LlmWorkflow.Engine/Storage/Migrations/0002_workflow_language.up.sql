-- Workflows that a workflow's steps run, by name: {name: text of the file}.
alter table llm_workflow_definitions add column workflows jsonb not null default '{}';

-- Which branch a conditional took.
alter table llm_step_runs add column branch json;

-- Parked jobs: what they wait for (a list of steps), the earliest time, the names of the signals; and the signals that were sent, {name: text of the payload}.
alter table llm_workflow_jobs
    alter column waiting_for type json using waiting_for::json,
    add column wake_at timestamptz,
    add column wake_signals text[] not null default '{}',
    add column signals jsonb not null default '{}',
    add constraint job_wake check (status = 'waiting' or (wake_at is null and wake_signals = '{}'));
create index llm_workflow_jobs_wake on llm_workflow_jobs (wake_at) where status = 'waiting';

drop index llm_workflow_jobs_wake;
alter table llm_workflow_jobs
    drop constraint job_wake,
    drop column signals,
    drop column wake_signals,
    drop column wake_at,
    alter column waiting_for type text using waiting_for::text;
alter table llm_step_runs drop column branch;
alter table llm_workflow_definitions drop column workflows;

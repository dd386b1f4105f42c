-- Reports by workflow.
create index llm_provider_usage_workflow_name on llm_provider_usage (workflow_name, created_at);

-- Calls without a price: few, and looked for when the price book has learned one.
create index llm_provider_usage_unpriced on llm_provider_usage (id) where cost_source = 'unknown' and state in ('settled', 'aborted');

-- Calls whose computed cost is more than 1 % off what the provider charged.
create index llm_provider_usage_drift on llm_provider_usage (created_at desc, id desc) where abs(computed_usd - reported_usd) > 0.01 * reported_usd;

-- What was changed afterwards in what calls cost. No foreign key: the trace outlives what it is about.
create table llm_cost_changes (
    id                bigint generated always as identity primary key,
    call_id           uuid not null,
    changed_at        timestamptz not null default now(),
    old_computed_usd  numeric(20,12),
    new_computed_usd  numeric(20,12),
    old_cost_usd      numeric(20,12),
    new_cost_usd      numeric(20,12),
    old_cost_source   text not null,
    new_cost_source   text not null,
    reason            text not null,
    changed_by        text not null
);
create index llm_cost_changes_call_id on llm_cost_changes (call_id);

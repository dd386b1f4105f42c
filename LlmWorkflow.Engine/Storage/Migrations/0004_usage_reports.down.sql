drop table llm_cost_changes;
drop index llm_provider_usage_drift;
drop index llm_provider_usage_unpriced;
drop index llm_provider_usage_workflow_name;

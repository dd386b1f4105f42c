alter table llm_workflow_definitions drop column workflows;

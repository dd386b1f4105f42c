-- Workflows that a definition runs as steps are pinned with it: name -> the file's text.
alter table llm_workflow_definitions add column workflows jsonb not null default '{}';

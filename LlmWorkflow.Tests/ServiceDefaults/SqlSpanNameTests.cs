using LlmWorkflow.ServiceDefaults.Telemetry;

namespace LlmWorkflow.Tests.ServiceDefaults;

public sealed class SqlSpanNameTests
{
    [Theory]
    [InlineData("insert into llm_workflow_definitions (hash) values ($1) on conflict (hash) do update set name = $2", "insert llm_workflow_definitions")]
    [InlineData("with mine as (\n    update llm_webhook_deliveries\n    set state = $3 where id = $1 returning id)\ninsert into llm_webhook_attempts select id from mine", "update llm_webhook_deliveries")]
    [InlineData("update llm_workflow_jobs j set status = 'queued' from (select id from other for update skip locked) d where j.id = d.id", "update llm_workflow_jobs")]
    [InlineData("DELETE FROM llm_workers w WHERE w.id = $1", "delete llm_workers")]
    [InlineData("select (select count(*) from (select 1 from llm_workflow_jobs limit 1) q), extract(epoch from now() - x)", "select llm_workflow_jobs")]
    [InlineData("select extract(epoch from now()), id from unnest($1) u join llm_step_runs r on true, lateral (select 1 from llm_workers) w", "select llm_step_runs")]
    [InlineData("select 1", null)]
    public void Of_Statement_NamesVerbAndTable(string sql, string? expected)
    {
        Assert.Equal(expected, SqlSpanName.Of(sql));
        Assert.Equal(expected, SqlSpanName.Of(sql));
    }
}

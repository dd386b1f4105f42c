using LlmWorkflow.Engine.Storage;
using Npgsql;

namespace LlmWorkflow.Tests.Engine.Storage;

public sealed class DatabaseTests
{
    [Theory]
    [InlineData("57P01", true)]
    [InlineData("57P03", true)]
    [InlineData("08006", true)]
    [InlineData("53300", true)]
    [InlineData("40001", true)]
    [InlineData("40P01", true)]
    [InlineData("25006", true)]
    [InlineData("57014", true)]
    [InlineData("55P03", true)]
    [InlineData("57P05", true)]
    [InlineData("25P03", true)]
    [InlineData("23505", false)]
    [InlineData("42P01", false)]
    [InlineData("42501", false)]
    [InlineData("53100", false)]
    public void IsTransient_StateOfPostgres_IsWhatPassesByItself(string state, bool passes) =>
        Assert.Equal(passes, Database.IsTransient(new PostgresException("It failed.", "ERROR", "ERROR", state)));

    [Fact]
    public void IsTransient_ConnectionLost_Passes()
    {
        Assert.True(Database.IsTransient(new NpgsqlException("The connection broke.", new IOException())));
        Assert.True(Database.IsTransient(new TimeoutException()));
        Assert.False(Database.IsTransient(new InvalidOperationException()));
    }
}

using LlmWorkflow.ServiceDefaults;
using Npgsql;

namespace LlmWorkflow.Tests.ServiceDefaults;

public sealed class PostgresSettingsTests
{
    [Theory]
    [InlineData("postgres://bob:pw@db/app", "db", 5432, "bob", "pw", "app")]
    [InlineData("POSTGRESQL://bob:pw@db:6543/app", "db", 6543, "bob", "pw", "app")]
    [InlineData("postgres://b%40b:p%2Fw%3A%25@db.example.com:5432/a%20b", "db.example.com", 5432, "b@b", "p/w:%", "a b")]
    [InlineData("postgres://bob:p@w:x#y@db/app", "db", 5432, "bob", "p@w:x#y", "app")]
    [InlineData("postgres://bob@db/app", "db", 5432, "bob", null, "app")]
    [InlineData("postgres://bob:pw@[::1]:6000/app", "[::1]", 6000, "bob", "pw", "app")]
    [InlineData("postgres://bob:pw@one:1111,two:2222/app", "one:1111,two:2222", 5432, "bob", "pw", "app")]
    [InlineData("Host=db;Port=7000;Username=bob;Password='p;w';Database=app", "db", 7000, "bob", "p;w", "app")]
    public void Read_RightUrl_IsTakenApart(string url, string host, int port, string user, string? password, string database)
    {
        var connection = Read(out _, ("DATABASE_URL", url));

        Assert.NotNull(connection);
        Assert.Equal((host, port, user, password, database), (connection.Host, connection.Port, connection.Username, connection.Password, connection.Database));
    }

    [Theory]
    [InlineData("sslmode=require", "SSL Mode=Require")]
    [InlineData("sslmode=verify-full&channel_binding=require", "SSL Mode=VerifyFull;Channel Binding=Require")]
    [InlineData("target_session_attrs=read-write", "Target Session Attributes=read-write")]
    [InlineData("connect_timeout=9&application_name=x%20y", "Timeout=9;Application Name=x y")]
    [InlineData("pgbouncer=true&connection_limit=7", "No Reset On Close=True;Maximum Pool Size=7")]
    [InlineData("Command Timeout=11", "Command Timeout=11")]
    public void Read_Options_BecomeKeywords(string query, string expected)
    {
        var connection = Read(out var settings, ("DATABASE_URL", $"postgres://u:p@h/d?{query}"));

        Assert.Empty(settings.Errors);
        Assert.NotNull(connection);
        foreach (var (keyword, value) in expected.Split(';').Select(pair => (pair.Split('=')[0], pair.Split('=')[1])))
        {
            var want = new NpgsqlConnectionStringBuilder { [keyword] = value };
            Assert.Equal(want[keyword]?.ToString(), connection[keyword]?.ToString());
        }
    }

    [Theory]
    [InlineData("postgres://u:s3cret@h:port/d", "the port must be a number")]
    [InlineData("postgres://u:s3cret@h", "the database name is missing")]
    [InlineData("postgres://h/d", "the user name is missing")]
    [InlineData("postgres://u:s3cret@:5432/d", "the host is missing")]
    [InlineData("postgres://u:s3cret/x@h:5432/d", "percent-encoded")]
    [InlineData("postgres://u:s3cret?x=1@h:5432/d", "percent-encoded")]
    [InlineData("postgres://u:s3cret%zz@h:5432/d", "%25")]
    [InlineData("postgres://u:s3cret@h/d?sslmode=maybe", "sslmode")]
    [InlineData("postgres://u:s3cret@h/d?colour=red", "colour")]
    [InlineData("Host=h;Username=u;Password=a;s3cret=b", "does not know")]
    [InlineData("Host=h;Port=s3cret", "port")]
    [InlineData("Username=u;Password=s3cret", "Host is missing")]
    [InlineData("s3cret", "neither a postgres:// URL")]
    public void Read_WrongUrl_NamesTheVariableAndKeepsTheSecret(string url, string problem)
    {
        var connection = Read(out var settings, ("DATABASE_URL", url));

        Assert.Null(connection);
        Assert.Contains(settings.Errors, error => error.StartsWith("DATABASE_URL:", StringComparison.Ordinal) && error.Contains(problem));
        Assert.DoesNotContain(settings.Errors, error => error.Contains("s3cret"));
    }

    [Fact]
    public void Read_UrlWithManyMistakes_ListsAll()
    {
        Read(out var settings, ("DATABASE_URL", "postgres://h/?a=1&b=2"), ("DATABASE_POOL_SIZE", "0"), ("DATABASE_NO_RESET_ON_CLOSE", "perhaps"));

        Assert.Equal(6, settings.Errors.Count);
    }

    [Fact]
    public void Read_NoOptions_HasTheDefaults()
    {
        var connection = Read(out _, ("ConnectionStrings:llmworkflow", "Host=h;Database=d;Include Error Detail=true;Max Auto Prepare=20"));

        Assert.NotNull(connection);
        Assert.Equal((50, 5, 30), (connection.MaxPoolSize, connection.Timeout, connection.CommandTimeout));
        Assert.True(connection.TcpKeepAlive);
        Assert.Equal("app", connection.ApplicationName);
        Assert.False(connection.IncludeErrorDetail);
        Assert.Equal(0, connection.MaxAutoPrepare);
        Assert.False(connection.NoResetOnClose);
    }

    [Fact]
    public void Read_Settings_WinOverTheString()
    {
        var connection = Read(
            out _,
            ("DATABASE_URL", "Host=first;Maximum Pool Size=5;Timeout=17"),
            ("ConnectionStrings:llmworkflow", "Host=second"),
            ("DATABASE_POOL_SIZE", "9"),
            ("DATABASE_NO_RESET_ON_CLOSE", "true"));

        Assert.NotNull(connection);
        Assert.Equal(("first", 9, 17, true), (connection.Host, connection.MaxPoolSize, connection.Timeout, connection.NoResetOnClose));
    }

    [Fact]
    public void Read_Development_IncludesErrorDetail()
    {
        var connection = PostgresSettings.Read(SettingsTests.Reader(("DATABASE_URL", "Host=h")), "app", development: true);

        Assert.True(connection?.IncludeErrorDetail);
    }

    [Theory]
    [InlineData("localhost", "127.0.0.1,localhost")]
    [InlineData("10.1.2.3", "10.1.2.3")]
    [InlineData("one,two", "one,two")]
    [InlineData("no-such-host.invalid", "no-such-host.invalid")]
    public void PreferIPv4_Host_PutsTheAddressBeforeTheName(string host, string expected)
    {
        var preferred = PostgresSettings.PreferIPv4(new NpgsqlConnectionStringBuilder { Host = host, Port = 6543, Password = "pw" });

        var connection = new NpgsqlConnectionStringBuilder(preferred);
        Assert.Equal((expected, 6543, "pw"), (connection.Host, connection.Port, connection.Password));
    }

    private static NpgsqlConnectionStringBuilder? Read(out SettingsReader settings, params (string, string?)[] values)
    {
        settings = SettingsTests.Reader(values);
        return PostgresSettings.Read(settings, "app", development: false);
    }
}

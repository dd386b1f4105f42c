using LlmWorkflow.ServiceDefaults;
using StackExchange.Redis;

namespace LlmWorkflow.Tests.ServiceDefaults;

public sealed class RedisSettingsTests
{
    [Theory]
    [InlineData("redis://cache", "cache:6379", null, false, 0)]
    [InlineData("redis://:p%2Cw@cache:7000/3", "cache:7000", "p,w", false, 3)]
    [InlineData("redis://default:pw@cache", "cache:6379", "pw", false, 0)]
    [InlineData("rediss://:pw@cache:6380/?db=2&ssl_cert_reqs=none", "cache:6380", "pw", true, 2)]
    [InlineData("cache:6379,password=pw,ssl=true,defaultDatabase=4", "cache:6379", "pw", true, 4)]
    [InlineData("cache", "cache:6379", null, false, 0)]
    public void Read_RightUrl_BecomesOptions(string url, string endpoint, string? password, bool ssl, int database)
    {
        var read = RedisSettings.Read(SettingsTests.Reader(("REDIS_URL", url)), "My App");

        Assert.NotNull(read);
        var options = ConfigurationOptions.Parse(read.Text);
        read.Apply(options);
        options.SetDefaultPorts();
        Assert.Equal($"Unspecified/{endpoint}", Assert.Single(options.EndPoints).ToString());
        Assert.Equal((password, ssl, database), (options.Password, options.Ssl, options.DefaultDatabase ?? 0));
        Assert.False(options.AbortOnConnectFail);
        Assert.Equal((2_000, 2_000, "My-App"), (options.ConnectTimeout, options.SyncTimeout, options.ClientName));
    }

    [Fact]
    public void Apply_LimitsInTheString_AreKept()
    {
        var read = RedisSettings.Read(SettingsTests.Reader(("ConnectionStrings:redis", "cache:1,syncTimeout=700,connectTimeout=800,keepAlive=9")), "app");
        Assert.NotNull(read);
        var options = ConfigurationOptions.Parse(read.Text);

        read.Apply(options);

        Assert.Equal((700, 800, 9), (options.SyncTimeout, options.ConnectTimeout, options.KeepAlive));
    }

    [Theory]
    [InlineData("redis://:s3cret@cache:x", "the port must be a number")]
    [InlineData("redis://:s3cret@", "the host is missing")]
    [InlineData("redis://:s3cret@cache/one", "the database after")]
    [InlineData("redis://:s3cret@cache?a=b", "the option a")]
    [InlineData("redis://:s3cret/@cache", "percent-encoded")]
    [InlineData("cache:6379,password=a,s3cret=b", "needs the URL form")]
    public void Read_WrongUrl_NamesTheVariableAndKeepsTheSecret(string url, string problem)
    {
        var settings = SettingsTests.Reader(("REDIS_URL", url));

        Assert.Null(RedisSettings.Read(settings, "app"));

        Assert.Contains(settings.Errors, error => error.StartsWith("REDIS_URL:", StringComparison.Ordinal) && error.Contains(problem));
        Assert.DoesNotContain(settings.Errors, error => error.Contains("s3cret"));
    }

#if HOSTING_LOCAL
    [Theory]
    [InlineData("redis://alice:s3cret@cache")]
    [InlineData("cache:6379,user=alice,password=s3cret")]
    public void Read_UserName_IsRefusedWithTheReason(string url)
    {
        var settings = SettingsTests.Reader(("REDIS_URL", url));

        Assert.Null(RedisSettings.Read(settings, "app"));

        Assert.Contains("1.2.6", Assert.Single(settings.Errors));
    }
#endif

    [Fact]
    public void Read_Nothing_SaysWhatToSet()
    {
        var settings = SettingsTests.Reader();

        Assert.Null(RedisSettings.Read(settings, "app"));

        Assert.Contains("ConnectionStrings__redis", Assert.Single(settings.Errors));
    }
}

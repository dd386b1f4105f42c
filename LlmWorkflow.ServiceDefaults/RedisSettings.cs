using System.Globalization;
using System.Net.Security;
using StackExchange.Redis;

namespace LlmWorkflow.ServiceDefaults;

/// <summary>
/// Where Redis is: <see cref="Text"/> is a connection string of StackExchange.Redis; what has no safe place in one (its format
/// cannot quote a comma) and the product's defaults come by <see cref="Apply"/>.
/// </summary>
internal sealed record RedisSettings(string Text, string? Password, bool TrustAnyCertificate, string ClientName)
{
    private const string UrlName = "REDIS_URL";
    private const string ConnectionStringName = "ConnectionStrings:redis";

    /// <summary>The settings, or null when something is wrong; what, the reader has been told.</summary>
    public static RedisSettings? Read(SettingsReader settings, string clientName)
    {
        var url = settings.Text(UrlName);
        if ((url ?? settings.Text(ConnectionStringName)) is not { } text)
        {
            settings.Reject(UrlName, "is missing: set it to redis://:password@host:6379/0, or set ConnectionStrings__redis");
            return null;
        }

        var name = url is null ? ConnectionStringName : UrlName;
        var known = settings.Errors.Count;
        // CLIENT SETNAME refuses blanks.
        var read = new RedisSettings(text, null, false, clientName.Replace(' ', '-'));
        if (ConnectionUrl.Has(text, "redis", "rediss"))
        {
            if (ConnectionUrl.Parse(text, Reject) is { } parsed)
            {
                read = read.FromUrl(parsed, Reject);
            }
        }
        else
        {
            CheckKeywords(text, Reject);
        }

        return settings.Errors.Count > known ? null : read;

        void Reject(string problem) => settings.Reject(name, problem);
    }

    /// <summary>Adds password, limits and reconnect policy to options that were parsed from <see cref="Text"/>.</summary>
    public void Apply(ConfigurationOptions options)
    {
        options.AbortOnConnectFail = false;
        options.ClientName ??= ClientName;
        options.Password = Password ?? options.Password;
        // No other client of this Redis elects a master through a key.
        options.TieBreaker = string.Empty;
        options.ReconnectRetryPolicy = new ExponentialRetry(500, 5_000);
        // A lost Redis costs a synchronous caller two seconds at most: Postgres has the job, the sweep does the rest.
        Default("connectTimeout", () => options.ConnectTimeout = 2_000);
        Default("connectRetry", () => options.ConnectRetry = 1);
        Default("syncTimeout", () => options.SyncTimeout = 2_000);
        Default("keepAlive", () => options.KeepAlive = 10);
        if (TrustAnyCertificate)
        {
            options.CertificateValidation += (_, _, _, errors) => !errors.HasFlag(SslPolicyErrors.RemoteCertificateNotAvailable);
        }

        void Default(string keyword, Action set)
        {
            if (!Text.Contains($"{keyword}=", StringComparison.OrdinalIgnoreCase))
            {
                set();
            }
        }
    }

    private RedisSettings FromUrl(ConnectionUrl url, Action<string> reject)
    {
        var hosts = string.Join(',', url.Hosts.Select(host => string.Create(CultureInfo.InvariantCulture, $"{host.Host}:{host.Port ?? 6379}")));
        var text = url.Scheme == "rediss" ? $"{hosts},ssl=true" : hosts;
        var database = url.Path;
        var trustAny = false;
        foreach (var (option, value) in url.Options)
        {
            switch (option.ToLowerInvariant())
            {
                case "db":
                    database = value;
                    break;
                // As Celery and redis-py spell it.
                case "ssl_cert_reqs" when value.ToUpperInvariant() is "NONE" or "CERT_NONE":
                    trustAny = true;
                    break;
                case "ssl_cert_reqs" when value.ToUpperInvariant() is "REQUIRED" or "CERT_REQUIRED":
                    break;
                default:
                    reject($"the option {option} is unknown or has a wrong value; known are db and ssl_cert_reqs (none, required)");
                    break;
            }
        }

        if (database is not null)
        {
            if (int.TryParse(database, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
            {
                text = string.Create(CultureInfo.InvariantCulture, $"{text},defaultDatabase={number}");
            }
            else
            {
                reject("the database after the '/' must be a number");
            }
        }

        // "default" is who a password without a name logs in as.
        if (url.User is not null and not "default")
        {
            if (!Integrations.SupportsRedisUser)
            {
                reject(Integrations.NoRedisUser);
            }
            else if (url.User.AsSpan().IndexOfAny(',', '=') >= 0)
            {
                reject("the user name must not contain ',' or '='");
            }

            text = $"{text},user={url.User}";
        }

        return this with { Text = text, Password = url.Password, TrustAnyCertificate = trustAny };
    }

    private static void CheckKeywords(string text, Action<string> reject)
    {
        if (!Integrations.SupportsRedisUser && text.Contains(",user=", StringComparison.OrdinalIgnoreCase))
        {
            reject(Integrations.NoRedisUser);
            return;
        }

        try
        {
            if (ConfigurationOptions.Parse(text).EndPoints.Count == 0)
            {
                reject("the host is missing");
            }
        }
        catch (Exception exception) when (exception is ArgumentException or FormatException)
        {
            // The message would repeat a part of the text, which may be half of a password with a comma.
            reject("is neither a redis:// URL nor host:port[,password=…][,ssl=true]; a password with a comma needs the URL form");
        }
    }
}

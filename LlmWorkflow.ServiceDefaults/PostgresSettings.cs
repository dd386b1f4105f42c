using System.Net;
using System.Net.Sockets;
using Npgsql;

namespace LlmWorkflow.ServiceDefaults;

/// <summary>Turns <c>DATABASE_URL</c> or <c>ConnectionStrings:llmworkflow</c> into Npgsql's connection string, with this product's defaults.</summary>
internal static class PostgresSettings
{
    private const string UrlName = "DATABASE_URL";
    private const string ConnectionStringName = "ConnectionStrings:llmworkflow";

    /// <summary>The connection string, or null when something is wrong; what, the reader has been told.</summary>
    public static NpgsqlConnectionStringBuilder? Read(SettingsReader settings, string applicationName, bool development)
    {
        var poolSize = settings.Text("DATABASE_POOL_SIZE") is null ? (int?)null : settings.Whole("DATABASE_POOL_SIZE", 50, 1, 10_000);
        var noReset = settings.Flag("DATABASE_NO_RESET_ON_CLOSE");
        var url = settings.Text(UrlName);
        if ((url ?? settings.Text(ConnectionStringName)) is not { } text)
        {
            settings.Reject(UrlName, "is missing: set it to postgres://user:password@host:5432/database, or set ConnectionStrings__llmworkflow");
            return null;
        }

        var name = url is null ? ConnectionStringName : UrlName;
        var connection = new NpgsqlConnectionStringBuilder();
        var known = settings.Errors.Count;
        if (ConnectionUrl.Has(text, "postgres", "postgresql"))
        {
            if (ConnectionUrl.Parse(text, problem => settings.Reject(name, problem)) is { } parsed)
            {
                FromUrl(connection, parsed, problem => settings.Reject(name, problem));
            }
        }
        else
        {
            FromKeywords(connection, text, problem => settings.Reject(name, problem));
        }

        if (settings.Errors.Count > known)
        {
            return null;
        }

        ApplyDefaults(connection, applicationName, development);
        connection.MaxPoolSize = poolSize ?? connection.MaxPoolSize;
        connection.MinPoolSize = Math.Min(connection.MinPoolSize, connection.MaxPoolSize);
        connection.NoResetOnClose |= noReset;
        return connection;
    }

    /// <summary>
    /// Puts an IPv4 address of the host in front of its name, for networks that publish IPv6 addresses but cannot route them. The name stays as second
    /// choice, so that a changed address heals. Unchanged when the name does not resolve, is an address, or is a list.
    /// </summary>
    public static string PreferIPv4(NpgsqlConnectionStringBuilder connection)
    {
        var host = connection.Host;
        if (host is null || host.AsSpan().IndexOfAny(',', '/', ':') >= 0 || IPAddress.TryParse(host, out _))
        {
            return connection.ConnectionString;
        }

        try
        {
            return Dns.GetHostAddresses(host, AddressFamily.InterNetwork) is [var first, ..]
                ? new NpgsqlConnectionStringBuilder(connection.ConnectionString) { Host = $"{first},{host}" }.ConnectionString
                : connection.ConnectionString;
        }
        catch (SocketException)
        {
            return connection.ConnectionString;
        }
    }

    private static void ApplyDefaults(NpgsqlConnectionStringBuilder connection, string applicationName, bool development)
    {
        Default("Application Name", applicationName);
        Default("Maximum Pool Size", 50);
        // A submit should answer 503 soon rather than hang while the database is away.
        Default("Timeout", 5);
        Default("Command Timeout", 30);
        // By the kernel: Npgsql's own keepalive takes a lock per command.
        Default("TCP Keepalive", true);
        Default("TCP Keepalive Time", 30);
        Default("TCP Keepalive Interval", 10);
        Default("Enlist", false);
        // Error details carry row values.
        connection.IncludeErrorDetail = development;
        // Prepared statements do not survive a transaction-mode pooler.
        connection.MaxAutoPrepare = 0;
        connection.PersistSecurityInfo = false;

        void Default(string keyword, object value)
        {
            if (!connection.ShouldSerialize(keyword))
            {
                connection[keyword] = value;
            }
        }
    }

    private static void FromUrl(NpgsqlConnectionStringBuilder connection, ConnectionUrl url, Action<string> reject)
    {
        connection.Host = string.Join(',', url.Hosts.Select(host => host.Port is { } port && url.Hosts.Count > 1 ? $"{host.Host}:{port}" : host.Host));
        connection.Port = url.Hosts is [{ Port: { } only }] ? only : 5432;
        connection.Username = url.User;
        connection.Password = url.Password;
        connection.Database = url.Path;
        if (url.User is null)
        {
            reject("the user name is missing");
        }

        if (url.Path is null)
        {
            reject("the database name is missing");
        }

        foreach (var (option, value) in url.Options)
        {
            Set(connection, option, value, reject);
        }
    }

    // The names are libpq's (https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS) and those that
    // other drivers put into such URLs: pgbouncer, connection_limit, schema, pool_timeout (Prisma).
    private static void Set(NpgsqlConnectionStringBuilder connection, string option, string value, Action<string> reject)
    {
        var (keyword, translated) = option.ToLowerInvariant() switch
        {
            "sslmode" => ("SSL Mode", value.Replace("-", string.Empty, StringComparison.Ordinal)),
            "sslnegotiation" => ("SSL Negotiation", value),
            "sslrootcert" => ("Root Certificate", value),
            "sslcert" => ("SSL Certificate", value),
            "sslkey" => ("SSL Key", value),
            "sslpassword" => ("SSL Password", value),
            "channel_binding" => ("Channel Binding", value),
            "gssencmode" => ("GSS Encryption Mode", value),
            "application_name" => ("Application Name", value),
            "connect_timeout" => ("Timeout", value),
            "target_session_attrs" => ("Target Session Attributes", value),
            "options" => ("Options", value),
            "schema" => ("Search Path", value),
            "connection_limit" => ("Maximum Pool Size", value),
            "pgbouncer" => ("No Reset On Close", value),
            "pool_timeout" => (string.Empty, value),
            _ => (option, value),
        };
        if (keyword.Length == 0)
        {
            return;
        }

        if (!Assign(connection, keyword, translated))
        {
            reject($"the option {option} is unknown or has a wrong value");
        }
    }

    private static void FromKeywords(NpgsqlConnectionStringBuilder connection, string text, Action<string> reject)
    {
        System.Data.Common.DbConnectionStringBuilder pairs;
        try
        {
            pairs = new() { ConnectionString = text };
        }
        catch (ArgumentException)
        {
            reject("is neither a postgres:// URL nor a list of keyword=value; a value with ';' or '=' must be quoted");
            return;
        }

        foreach (string keyword in pairs.Keys)
        {
            if (!Assign(connection, keyword, pairs[keyword]))
            {
                // An unknown keyword may be the second half of a password with an unquoted ';', so it is not repeated.
                reject(new NpgsqlConnectionStringBuilder().ContainsKey(keyword)
                    ? $"the keyword {keyword} has a wrong value"
                    : "has a keyword that Npgsql does not know; a value with ';' must be quoted");
            }
        }

        if (string.IsNullOrEmpty(connection.Host))
        {
            reject("the keyword Host is missing");
        }
    }

    private static bool Assign(NpgsqlConnectionStringBuilder connection, string keyword, object value)
    {
        try
        {
            connection[keyword] = value;
            return true;
        }
        catch (Exception exception) when (exception is ArgumentException or InvalidCastException or FormatException or OverflowException or NotSupportedException)
        {
            return false;
        }
    }
}

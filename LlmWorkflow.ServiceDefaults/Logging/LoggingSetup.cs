using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Configuration.Memory;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;

namespace LlmWorkflow.ServiceDefaults.Logging;

/// <summary>JSON lines on stdout, at the level of <c>LOG_LEVEL</c>.</summary>
internal static class LoggingSetup
{
    public static void AddJsonLogs(IHostApplicationBuilder builder, SettingsReader settings)
    {
        var level = Level(settings);
        // First in the row, so that appsettings and environment (Logging__LogLevel__…) override each of these.
        builder.Configuration.Sources.Insert(0, new MemoryConfigurationSource
        {
            InitialData = new Dictionary<string, string?>
            {
                ["Logging:LogLevel:Default"] = settings.Flag("DEBUG_MODE") ? nameof(LogLevel.Debug) : nameof(LogLevel.Information),
                ["Logging:LogLevel:Microsoft.AspNetCore"] = nameof(LogLevel.Warning),
                ["Logging:LogLevel:Microsoft.EntityFrameworkCore"] = nameof(LogLevel.Warning),
                ["Logging:LogLevel:Npgsql"] = nameof(LogLevel.Warning),
                ["Logging:LogLevel:Polly"] = nameof(LogLevel.Warning),
                ["Logging:LogLevel:System.Net.Http.HttpClient"] = nameof(LogLevel.Warning),
            },
        });
        if (level is not null)
        {
            builder.Configuration.AddInMemoryCollection([new("Logging:LogLevel:Default", level.ToString())]);
        }

        builder.Logging.ClearProviders();
        builder.Logging.AddConfiguration(builder.Configuration.GetSection("Logging"));
        builder.Services.TryAddSingleton(TimeProvider.System);
        builder.Logging.AddConsole(options => options.FormatterName = JsonLineFormatter.FormatterName);
        builder.Logging.AddConsoleFormatter<JsonLineFormatter, ConsoleFormatterOptions>();
    }

    private static LogLevel? Level(SettingsReader settings)
    {
        switch (settings.Text("LOG_LEVEL")?.ToUpperInvariant())
        {
            case null:
                return null;
            case "TRACE":
                return LogLevel.Trace;
            case "DEBUG":
                return LogLevel.Debug;
            case "INFO" or "INFORMATION":
                return LogLevel.Information;
            case "WARN" or "WARNING":
                return LogLevel.Warning;
            case "ERROR":
                return LogLevel.Error;
            case "CRITICAL" or "FATAL":
                return LogLevel.Critical;
            case "NONE":
                return LogLevel.None;
            default:
                settings.Reject("LOG_LEVEL", "must be one of trace, debug, info, warning, error, critical, none");
                return null;
        }
    }
}

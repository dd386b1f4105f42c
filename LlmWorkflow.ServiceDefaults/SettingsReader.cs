using System.Collections.Concurrent;
using System.Globalization;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;

namespace LlmWorkflow.ServiceDefaults;

/// <summary>
/// Reads settings and collects everything that is wrong with them, so that a start fails once, with one list.
/// A wrong value is recorded and the default is returned. Values never appear in a message: they may be secrets.
/// </summary>
/// <param name="configuration">Where the settings come from: environment, command line, appsettings.</param>
public sealed class SettingsReader(IConfiguration configuration)
{
    private readonly List<string> errors = [];
    // Concurrent: steps ask for the keys of their services while jobs run.
    private readonly ConcurrentDictionary<string, bool> asked = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>What is wrong so far, each as <c>NAME: problem</c>, in the order of finding.</summary>
    public IReadOnlyList<string> Errors => errors;

    /// <summary>Every name that was asked for so far, set or not.</summary>
    public IReadOnlyCollection<string> Asked => [.. asked.Keys];

    /// <summary>Records a problem of the setting <paramref name="name"/>.</summary>
    public void Reject(string name, string problem) => errors.Add($"{name}: {problem}");

    /// <summary>The text of a setting without surrounding blanks, or null when it is unset or blank.</summary>
    public string? Text(string name)
    {
        asked.TryAdd(name, true);
        var text = configuration[name]?.Trim();
        return string.IsNullOrEmpty(text) ? null : text;
    }

    /// <summary>A whole number from <paramref name="min"/> to <paramref name="max"/>.</summary>
    public int Whole(string name, int fallback, int min = 0, int max = int.MaxValue)
    {
        if (Text(name) is not { } text)
        {
            return fallback;
        }

        if (int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value) && value >= min && value <= max)
        {
            return value;
        }

        Reject(name, string.Create(CultureInfo.InvariantCulture, $"must be a whole number from {min} to {max}"));
        return fallback;
    }

    /// <summary>A time span given in seconds, with or without a fraction, from 0 to <paramref name="max"/> seconds.</summary>
    public TimeSpan Seconds(string name, TimeSpan fallback, double max = 86_400)
    {
        if (Text(name) is not { } text)
        {
            return fallback;
        }

        if (double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var value) && value <= max)
        {
            return TimeSpan.FromSeconds(value);
        }

        Reject(name, string.Create(CultureInfo.InvariantCulture, $"must be a number of seconds from 0 to {max}"));
        return fallback;
    }

    /// <summary>A switch: <c>true</c>, <c>1</c>, <c>yes</c>, <c>on</c> or <c>false</c>, <c>0</c>, <c>no</c>, <c>off</c>.</summary>
    public bool Flag(string name, bool fallback = false)
    {
        switch (Text(name)?.ToUpperInvariant())
        {
            case null:
                return fallback;
            case "TRUE" or "1" or "YES" or "ON":
                return true;
            case "FALSE" or "0" or "NO" or "OFF":
                return false;
            default:
                Reject(name, "must be true or false");
                return fallback;
        }
    }

    /// <summary>
    /// Rejects settings that start with <paramref name="prefix"/> and that neither this reader was asked for nor <paramref name="known"/>
    /// lists, with the nearest known name. Call it last, and only for a prefix that no platform uses for names of its own.
    /// </summary>
    public void RejectUnknown(string prefix, params IEnumerable<string> known)
    {
        var names = new HashSet<string>(asked.Keys, StringComparer.OrdinalIgnoreCase);
        names.UnionWith(known);
        foreach (var section in configuration.GetChildren())
        {
            if (section.Key.StartsWith(prefix, StringComparison.OrdinalIgnoreCase) && !names.Contains(section.Key))
            {
                var nearest = names.MinBy(name => Distance(name.ToUpperInvariant(), section.Key.ToUpperInvariant()));
                Reject(section.Key, nearest is null ? "unknown setting" : $"unknown setting; the nearest known one is {nearest}");
            }
        }
    }

    /// <summary>Throws when anything was wrong. Call it once everything was read.</summary>
    /// <exception cref="SettingsException">At least one setting is wrong.</exception>
    public void ThrowIfAny()
    {
        if (errors.Count > 0)
        {
            throw new SettingsException(errors);
        }
    }

    // Levenshtein, one row.
    private static int Distance(string left, string right)
    {
        var row = Enumerable.Range(0, right.Length + 1).ToArray();
        for (var i = 1; i <= left.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= right.Length; j++)
            {
                var above = row[j];
                row[j] = Math.Min(Math.Min(row[j], row[j - 1]) + 1, diagonal + (left[i - 1] == right[j - 1] ? 0 : 1));
                diagonal = above;
            }
        }

        return row[right.Length];
    }
}

/// <summary>The start was refused because of settings; the message lists all of them, without their values.</summary>
/// <param name="errors">What is wrong, each as <c>NAME: problem</c>.</param>
public sealed class SettingsException(IReadOnlyList<string> errors)
    : Exception($"Wrong settings:{Environment.NewLine}{string.Join(Environment.NewLine, errors.Select(error => $"  {error}"))}")
{
    /// <summary>What is wrong, each as <c>NAME: problem</c>.</summary>
    public IReadOnlyList<string> Errors { get; } = [.. errors];
}

/// <summary>Refuses the start when settings are wrong, also where the program itself forgot to ask.</summary>
internal sealed class SettingsCheck(SettingsReader settings) : IHostedLifecycleService
{
    public Task StartingAsync(CancellationToken cancellationToken)
    {
        settings.ThrowIfAny();
        return Task.CompletedTask;
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}

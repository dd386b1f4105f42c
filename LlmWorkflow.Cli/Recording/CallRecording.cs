using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Json;

namespace LlmWorkflow.Cli.Recording;

/// <summary>What <c>--record</c> and <c>--replay</c> ask for. Replies that are known are given back; what is not known is asked and kept, or refused.</summary>
internal sealed class CallRecording
{
    private readonly Lock _lock = new();
    private readonly string? _recordFile;
    private readonly List<RecordedExchange?> _exchanges = [];
    private readonly Dictionary<string, Queue<RecordedExchange>> _known;

    private CallRecording(string? recordFile, bool replays, IReadOnlyList<RecordedExchange> known)
    {
        _recordFile = recordFile;
        Replays = replays;
        _exchanges.AddRange(known);
        _known = known.GroupBy(exchange => exchange.Key, StringComparer.Ordinal)
            .ToDictionary(same => same.Key, same => new Queue<RecordedExchange>(same), StringComparer.Ordinal);
    }

    /// <summary>Whether known replies are given back.</summary>
    public bool Replays { get; }

    /// <summary>Whether calls that are not known may be made: not with <c>--replay</c> alone.</summary>
    public bool Calls => _recordFile is not null || !Replays;

    /// <summary>Whether calls are kept.</summary>
    public bool Records => _recordFile is not null;

    /// <summary>Opens what the options name.</summary>
    /// <param name="host">For relative paths.</param>
    /// <param name="record">File to write; null: none.</param>
    /// <param name="replay">File to read; null: none. With <paramref name="record"/> of the same name it need not exist yet.</param>
    /// <exception cref="CliException">A file cannot be read or will not be writable.</exception>
    public static CallRecording Open(CliHost host, string? record, string? replay)
    {
        var recordPath = record is null ? null : host.FullPath(record);
        var replayPath = replay is null ? null : host.FullPath(replay);
        if (recordPath is not null && !Directory.Exists(Path.GetDirectoryName(recordPath)))
        {
            throw new CliException($"there is no folder for '{record}'.");
        }

        if (recordPath is not null)
        {
            CheckWritable(recordPath, record!);
        }

        var known = replayPath is null || (replayPath == recordPath && !File.Exists(replayPath)) ? [] : Read(replayPath, replay!);
        return new(recordPath, replayPath is not null, known);
    }

    /// <summary>Takes the next known reply to a request.</summary>
    public bool TryTake(string key, [NotNullWhen(true)] out RecordedExchange? exchange)
    {
        lock (_lock)
        {
            exchange = null;
            return Replays && _known.TryGetValue(key, out var left) && left.TryDequeue(out exchange);
        }
    }

    /// <summary>Keeps a place for a call that starts, so that calls stay in order; its number.</summary>
    public int Reserve()
    {
        lock (_lock)
        {
            _exchanges.Add(null);
            return _exchanges.Count - 1;
        }
    }

    /// <summary>Keeps a call that has ended.</summary>
    public void Keep(int number, RecordedExchange exchange)
    {
        lock (_lock)
        {
            _exchanges[number] = exchange;
        }
    }

    /// <summary>Writes the file of <c>--record</c>, if there is one. Calls without a whole reply are left out.</summary>
    /// <exception cref="CliException">It cannot be written.</exception>
    public void Save()
    {
        if (_recordFile is null)
        {
            return;
        }

        JsonElement file;
        lock (_lock)
        {
            file = JsonSerializer.SerializeToElement(
                new RecordingFile { Version = RecordingFile.CurrentVersion, Exchanges = [.. _exchanges.OfType<RecordedExchange>()] }, RecordingJson.Default.RecordingFile);
        }

        try
        {
            // Whole or not at all: an earlier recording is not lost to a full disk.
            var temporary = _recordFile + ".new";
            File.WriteAllText(temporary, CliJson.Text(file) + "\n");
            File.Move(temporary, _recordFile, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CliException($"the recording cannot be written: {e.Message}", ExitCodes.Failure);
        }
    }

    // Before the first call: a run that is paid for must not end without its recording.
    private static void CheckWritable(string path, string shown)
    {
        if (Directory.Exists(path))
        {
            throw new CliException($"'{shown}' is a folder; --record takes a file.");
        }

        try
        {
            using (File.Create(path + ".new", 1, FileOptions.DeleteOnClose))
            {
                // Only tried.
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CliException($"'{shown}' cannot be written.");
        }
    }

    private static IReadOnlyList<RecordedExchange> Read(string path, string shown)
    {
        try
        {
            var file = JsonSerializer.Deserialize(File.ReadAllText(path, Encoding.UTF8), RecordingJson.Default.RecordingFile) ?? throw new JsonException("null");
            return file.Version == RecordingFile.CurrentVersion
                ? file.Exchanges
                : throw new CliException($"'{shown}' is a recording of another version ({file.Version}). Record it again with --record.");
        }
        catch (JsonException e)
        {
            throw new CliException($"'{shown}' is no recording: {e.Message}");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CliException(e is FileNotFoundException or DirectoryNotFoundException ? $"there is no recording '{shown}'. Make it with --record." : $"'{shown}' cannot be read: {e.Message}");
        }
    }
}

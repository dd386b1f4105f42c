using System.Text.Json;
using LlmWorkflow.Engine.Costs;

namespace LlmWorkflow.Cli.Costs;

/// <summary>What a call costs whose usage block somebody has.</summary>
/// <param name="Model">As asked for.</param>
/// <param name="At">When it was made.</param>
/// <param name="Report">What the block says.</param>
/// <param name="Terms">The block's terms and those given beside it.</param>
/// <param name="Priced">By the price book; null: it has no price.</param>
internal sealed record UsageCost(string Model, DateTimeOffset At, UsageReport Report, IReadOnlyList<string> Terms, PricedCall? Priced)
{
    private const int MaxBytes = 8 * 1024 * 1024;

    /// <summary>What counts; null when it is not known.</summary>
    public decimal? CostUsd => Report.ReportedUsd ?? Priced?.Usd;

    /// <summary>Where <see cref="CostUsd"/> comes from.</summary>
    public string CostSource => Report.ReportedUsd is not null ? "reported" : Priced is not null ? "computed" : "unknown";

    /// <summary>Prices a block.</summary>
    /// <param name="pieces">The block, the reply that it came in, or the events of a stream.</param>
    /// <param name="source">Where it was read from, for people.</param>
    /// <param name="model">Null: the model that the reply names.</param>
    /// <param name="terms">Terms that are not in the block.</param>
    /// <param name="prices">The price book.</param>
    /// <param name="at">When the call was made.</param>
    /// <exception cref="CliException">It is no usage block, or no model is named.</exception>
    public static UsageCost Of(IReadOnlyList<JsonElement> pieces, string source, string? model, IReadOnlyList<string> terms, PriceBook prices, DateTimeOffset at)
    {
        // One is read as it is: what stands around the block may name the service tier. Several are cumulative.
        var usage = pieces.Where(piece => UsageReader.Read(piece) is not null).ToList();
        var report = UsageReader.Read(usage.Count == 1 ? usage[0] : usage.Aggregate(default(JsonElement), UsageReader.Merge))
            ?? throw new CliException($"{source} holds no usage block of a known form (OpenAI, OpenRouter or Anthropic), and no reply with one.");
        var name = model ?? pieces.Select(ModelOf).FirstOrDefault(found => found is not null) ?? throw new CliException("say which model: llmflow prices MODEL --usage FILE. A whole reply may name it too.");
        string[] all = [.. report.Terms.Concat(terms).Distinct()];
        return new(name, at, report, all, prices.Price(name, report.Tokens, at, all));
    }

    /// <summary>Reads a JSON file, a recorded stream (server-sent events), or standard input.</summary>
    /// <exception cref="CliException">It cannot be read, or is no JSON.</exception>
    public static async Task<IReadOnlyList<JsonElement>> ReadFileAsync(CliHost host, string file, CancellationToken cancellationToken)
    {
        try
        {
            if (file != "-" && new FileInfo(host.FullPath(file)) is { Exists: true, Length: > MaxBytes })
            {
                throw new CliException($"'{file}' is too large for a reply.");
            }

            var text = file == "-" ? await host.In.ReadToEndAsync(cancellationToken) : await File.ReadAllTextAsync(host.FullPath(file), cancellationToken);
            return Pieces(text);
        }
        catch (JsonException e)
        {
            throw new CliException($"{(file == "-" ? "standard input" : file)} is not valid JSON: {e.Message}");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CliException(e is FileNotFoundException or DirectoryNotFoundException ? $"there is no file '{file}'." : $"'{file}' cannot be read: {e.Message}");
        }
    }

    private static IReadOnlyList<JsonElement> Pieces(string text)
    {
        var lines = text.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        if (lines.Length > 0 && (lines[0].StartsWith("event:", StringComparison.Ordinal) || lines[0].StartsWith("data:", StringComparison.Ordinal) || lines[0].StartsWith(':')))
        {
            return [.. lines.Where(line => line.StartsWith("data:", StringComparison.Ordinal)).Select(line => line["data:".Length..].Trim())
                .Where(data => data is not "[DONE]").Select(data => JsonElement.Parse(data))];
        }

        var value = JsonElement.Parse(text);
        return value.ValueKind is JsonValueKind.Array ? [.. value.EnumerateArray()] : [value];
    }

    private static string? ModelOf(JsonElement reply)
    {
        JsonElement[] places = [reply, reply.Member("message"), reply.Member("response"), reply.Member("data")];
        return places.Select(place => place.Member("model")).FirstOrDefault(model => model.ValueKind is JsonValueKind.String) is { ValueKind: JsonValueKind.String } found
            ? found.GetString()
            : null;
    }
}

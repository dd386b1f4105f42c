using System.Text.Json;
using LlmWorkflow.Simulator.RateLimits;

namespace LlmWorkflow.Simulator.Control;

/// <summary>Reads the body of <c>PUT /_control/behavior</c> and collects everything that is wrong with it.</summary>
internal sealed class BehaviorReader
{
    private static readonly string[] Fields =
    [
        "latency_ms", "tokens_per_second", "output_tokens", "reasoning_tokens", "error_status", "error_code", "error_rate", "retry_after",
        "requests_per_minute", "rate_limit", "cut_after_tokens", "reply", "replies", "finish_reason", "usage", "omit_usage", "answering_model",
        "byok", "generation_delay_ms", "hold", "hold_id", "fault", "bytes_per_second", "redirect_to", "times", "match",
    ];

    private static readonly string[] MatchFields = ["path", "model", "text"];
    private static readonly string[] RateLimitFields = ["requests_per_minute", "capacity", "tokens_per_minute", "window", "headers"];

    private static readonly Dictionary<string, HoldPoint> HoldPoints = new(StringComparer.Ordinal)
    {
        ["before_response"] = HoldPoint.BeforeResponse,
        ["before_first_byte"] = HoldPoint.BeforeFirstByte,
        ["mid_stream"] = HoldPoint.MidStream,
        ["before_last_byte"] = HoldPoint.BeforeLastByte,
        ["after_last_byte"] = HoldPoint.AfterLastByte,
    };

    private static readonly Dictionary<string, ServiceFault> Faults = new(StringComparer.Ordinal)
    {
        ["reset"] = ServiceFault.Reset,
        ["reset_in_body"] = ServiceFault.ResetInBody,
        ["malformed_json"] = ServiceFault.MalformedJson,
        ["endless_body"] = ServiceFault.EndlessBody,
        ["html"] = ServiceFault.Html,
        ["echo_key"] = ServiceFault.EchoKey,
    };

    private static readonly Dictionary<string, RateWindowKind> Windows = new(StringComparer.Ordinal)
    {
        ["bucket"] = RateWindowKind.Bucket, ["fixed"] = RateWindowKind.Fixed, ["sliding"] = RateWindowKind.Sliding,
    };

    private static readonly Dictionary<string, RateHeaders> Headers = new(StringComparer.Ordinal)
    {
        ["openai"] = RateHeaders.OpenAi, ["anthropic"] = RateHeaders.Anthropic, ["openrouter"] = RateHeaders.OpenRouter, ["none"] = RateHeaders.None,
    };

    private readonly FieldReader fields = new();

    public static (IReadOnlyList<Behavior> Behaviors, IReadOnlyList<string> Errors) Read(string body)
    {
        var reader = new BehaviorReader();
        try
        {
            using var document = JsonDocument.Parse(body);
            return (reader.ReadAll(document.RootElement), reader.fields.Errors);
        }
        catch (JsonException malformed)
        {
            return ([], [$"The body is not JSON: {malformed.Message}"]);
        }
    }

    private List<Behavior> ReadAll(JsonElement root)
    {
        switch (root.ValueKind)
        {
            case JsonValueKind.Array:
                return [.. root.EnumerateArray().Select((entry, index) => ReadOne(entry, $"[{index}]"))];
            case JsonValueKind.Object:
                return [ReadOne(root, "")];
            default:
                fields.Add($"The body must be a behavior object or an array of them, not {FieldReader.Name(root)}.");
                return [];
        }
    }

    private Behavior ReadOne(JsonElement entry, string at)
    {
        if (!fields.IsObject(entry, at, Fields))
        {
            return new Behavior();
        }

        return new Behavior
        {
            LatencyMs = fields.Number(entry, at, "latency_ms", 0, 3_600_000),
            TokensPerSecond = fields.Number(entry, at, "tokens_per_second", 0.01, 1_000_000),
            OutputTokens = fields.Integer(entry, at, "output_tokens", 0, 1_000_000),
            ReasoningTokens = fields.Integer(entry, at, "reasoning_tokens", 0, 1_000_000),
            ErrorStatus = Status(entry, at),
            ErrorCode = fields.Text(entry, at, "error_code"),
            ErrorRate = fields.Number(entry, at, "error_rate", 0, 1),
            RetryAfter = fields.Number(entry, at, "retry_after", 0, 86_400),
            RequestsPerMinute = fields.Integer(entry, at, "requests_per_minute", 0, 1_000_000),
            RateLimit = RateLimit(entry, at),
            CutAfterTokens = fields.Integer(entry, at, "cut_after_tokens", 0, 1_000_000),
            Reply = fields.Text(entry, at, "reply"),
            Replies = fields.Texts(entry, at, "replies"),
            FinishReason = fields.Text(entry, at, "finish_reason"),
            Usage = fields.Raw(entry, at, "usage"),
            OmitUsage = fields.Flag(entry, at, "omit_usage"),
            AnsweringModel = fields.Text(entry, at, "answering_model"),
            Byok = fields.Flag(entry, at, "byok"),
            GenerationDelayMs = fields.Number(entry, at, "generation_delay_ms", 0, 3_600_000),
            Hold = fields.Choice(entry, at, "hold", HoldPoints),
            HoldId = fields.Text(entry, at, "hold_id"),
            Fault = fields.Choice(entry, at, "fault", Faults),
            BytesPerSecond = fields.Number(entry, at, "bytes_per_second", 0.01, 1_000_000_000),
            RedirectTo = Url(entry, at, "redirect_to"),
            Times = fields.Integer(entry, at, "times", 0, 1_000_000_000),
            Match = Match(entry, at),
        };
    }

    private BehaviorMatch? Match(JsonElement entry, string at)
    {
        at = FieldReader.Join(at, "match");
        if (!FieldReader.TryGet(entry, "match", out var match) || !fields.IsObject(match, at, MatchFields))
        {
            return null;
        }

        return new BehaviorMatch { Path = fields.Text(match, at, "path"), Model = fields.Text(match, at, "model"), Text = fields.Text(match, at, "text") };
    }

    private RateLimit? RateLimit(JsonElement entry, string at)
    {
        at = FieldReader.Join(at, "rate_limit");
        if (!FieldReader.TryGet(entry, "rate_limit", out var given) || !fields.IsObject(given, at, RateLimitFields))
        {
            return null;
        }

        var limit = new RateLimit
        {
            RequestsPerMinute = fields.Integer(given, at, "requests_per_minute", 0, 1_000_000_000),
            Capacity = fields.Integer(given, at, "capacity", 1, 1_000_000_000),
            TokensPerMinute = fields.Integer(given, at, "tokens_per_minute", 0, 2_000_000_000),
            Window = fields.Choice(given, at, "window", Windows),
            Headers = fields.Choice(given, at, "headers", Headers),
        };
        if (limit is { RequestsPerMinute: null, TokensPerMinute: null })
        {
            fields.Add($"'{at}' must have requests_per_minute, tokens_per_minute or both.");
        }

        if (limit is { Capacity: not null } and ({ RequestsPerMinute: null } or { Window: not (null or RateWindowKind.Bucket) }))
        {
            fields.Add($"'{FieldReader.Join(at, "capacity")}' is for a bucket with requests_per_minute only.");
        }

        return limit;
    }

    private string? Url(JsonElement entry, string at, string field)
    {
        var text = fields.Text(entry, at, field);
        if (text is not null && !Uri.TryCreate(text, UriKind.Absolute, out _) && !text.StartsWith('/'))
        {
            fields.Add($"'{FieldReader.Join(at, field)}' must be an absolute URL or a path that starts with /, not '{text}'.");
        }

        return text;
    }

    private int? Status(JsonElement entry, string at)
    {
        var status = fields.Integer(entry, at, "error_status", 200, 599);
        if (status is > 200 and < 400)
        {
            fields.Add($"'{FieldReader.Join(at, "error_status")}' must be 400 to 599, or 200 for an error that comes after the reply's begin, not {status}.");
        }

        return status;
    }
}

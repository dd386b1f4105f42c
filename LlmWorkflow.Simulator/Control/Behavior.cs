using System.Text.Json;
using System.Text.Json.Serialization;
using LlmWorkflow.Simulator.RateLimits;

namespace LlmWorkflow.Simulator.Control;

/// <summary>
/// One entry of <c>PUT /_control/behavior</c>: how matching upstream calls are answered. A field that is null says nothing;
/// of several matching entries the later one wins, field by field.
/// </summary>
internal sealed record Behavior
{
    /// <summary>Milliseconds until the first token (until the reply, for upstreams without tokens; until the error, if one is sent).</summary>
    public double? LatencyMs { get; init; }

    /// <summary>Pace of the tokens after the first.</summary>
    public double? TokensPerSecond { get; init; }

    /// <summary>Exact length of the reply in tokens, reasoning included, unless the request's <c>max_tokens</c> is lower.</summary>
    public int? OutputTokens { get; init; }

    /// <summary>How many of the output tokens are reasoning, which comes first.</summary>
    public int? ReasoningTokens { get; init; }

    /// <summary>
    /// 400 to 599: calls are answered with this status. 200: the error comes after the reply's begin, in a stream as an event after
    /// <see cref="CutAfterTokens"/> tokens (default 0), else in the body under HTTP 200, where the upstream does such a thing.
    /// </summary>
    public int? ErrorStatus { get; init; }

    /// <summary>The error's code in the upstream's own words, such as <c>insufficient_quota</c>; without a status it has its usual one.</summary>
    public string? ErrorCode { get; init; }

    /// <summary>Share of the calls, 0 to 1, that get the error; 1 when only a status is given. Alone it means status 500.</summary>
    public double? ErrorRate { get; init; }

    /// <summary>Seconds, sent as <c>retry-after</c> with an error.</summary>
    public double? RetryAfter { get; init; }

    /// <summary>Calls over this many in the last 60 s get 429; counted for all calls that match this entry.</summary>
    public int? RequestsPerMinute { get; init; }

    /// <summary>The provider's limit for each key and model.</summary>
    public RateLimit? RateLimit { get; init; }

    /// <summary>The connection is cut when this many tokens were sent; a reply that is shorter ends normally.</summary>
    public int? CutAfterTokens { get; init; }

    /// <summary>Fixed text of the reply.</summary>
    public string? Reply { get; init; }

    /// <summary>Fixed texts of the replies to the first call, the second…; the last one stays.</summary>
    public IReadOnlyList<string>? Replies { get; init; }

    /// <summary>Sent instead of the reply's own, as it is.</summary>
    public string? FinishReason { get; init; }

    /// <summary>Sent instead of the reply's own usage block, as it is; the ledger bills what it says.</summary>
    public JsonElement? Usage { get; init; }

    /// <summary>No usage is told.</summary>
    public bool? OmitUsage { get; init; }

    /// <summary>The model that answers instead of the one asked for, at its price.</summary>
    public string? AnsweringModel { get; init; }

    /// <summary>OpenRouter: the caller's own key at the provider pays for the tokens.</summary>
    public bool? Byok { get; init; }

    /// <summary>OpenRouter: how long after its end a call cannot be looked up.</summary>
    public double? GenerationDelayMs { get; init; }

    /// <summary>The call stops there until it is released or its client is gone.</summary>
    public HoldPoint? Hold { get; init; }

    /// <summary>Name under which held calls are waited for and released; the point's own name unless given.</summary>
    public string? HoldId { get; init; }

    /// <summary>Services: what is wrong with the answer, be it a reply or an error.</summary>
    public ServiceFault? Fault { get; init; }

    /// <summary>Services: pace of the body.</summary>
    public double? BytesPerSecond { get; init; }

    /// <summary>Services: the answer is a redirect (307) to this URL.</summary>
    public string? RedirectTo { get; init; }

    /// <summary>The entry is for the first so many calls that match it; those over a rate limit do not count.</summary>
    public int? Times { get; init; }

    public BehaviorMatch? Match { get; init; }

    /// <summary>What both say, this entry winning.</summary>
    public Behavior Over(Behavior below) => new()
    {
        LatencyMs = LatencyMs ?? below.LatencyMs,
        TokensPerSecond = TokensPerSecond ?? below.TokensPerSecond,
        OutputTokens = OutputTokens ?? below.OutputTokens,
        ReasoningTokens = ReasoningTokens ?? below.ReasoningTokens,
        ErrorStatus = ErrorStatus ?? below.ErrorStatus,
        ErrorCode = ErrorCode ?? below.ErrorCode,
        ErrorRate = ErrorRate ?? below.ErrorRate,
        RetryAfter = RetryAfter ?? below.RetryAfter,
        CutAfterTokens = CutAfterTokens ?? below.CutAfterTokens,
        Reply = Reply ?? below.Reply,
        FinishReason = FinishReason ?? below.FinishReason,
        Usage = Usage ?? below.Usage,
        OmitUsage = OmitUsage ?? below.OmitUsage,
        AnsweringModel = AnsweringModel ?? below.AnsweringModel,
        Byok = Byok ?? below.Byok,
        GenerationDelayMs = GenerationDelayMs ?? below.GenerationDelayMs,
        Hold = Hold ?? below.Hold,
        Fault = Fault ?? below.Fault,
        BytesPerSecond = BytesPerSecond ?? below.BytesPerSecond,
        RedirectTo = RedirectTo ?? below.RedirectTo,
        HoldId = Hold is null ? HoldId ?? below.HoldId : HoldId,
    };
}

/// <summary>What is wrong with an answer of a service.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<ServiceFault>))]
internal enum ServiceFault
{
    /// <summary>The connection is reset before the first byte.</summary>
    [JsonStringEnumMemberName("reset")]
    Reset,

    /// <summary>The connection is reset after half of the body.</summary>
    [JsonStringEnumMemberName("reset_in_body")]
    ResetInBody,

    /// <summary>The second half of the JSON is missing; the HTTP message is whole.</summary>
    [JsonStringEnumMemberName("malformed_json")]
    MalformedJson,

    /// <summary>The body never ends.</summary>
    [JsonStringEnumMemberName("endless_body")]
    EndlessBody,

    /// <summary>A page of HTML, as of a proxy in between.</summary>
    [JsonStringEnumMemberName("html")]
    Html,

    /// <summary>The key of the request is in the error's message, or in the field <c>echo</c> of a reply.</summary>
    [JsonStringEnumMemberName("echo_key")]
    EchoKey,
}

/// <summary>A moment of a call at which it can be held.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<HoldPoint>))]
internal enum HoldPoint
{
    /// <summary>The request was read; nothing is produced, nothing sent.</summary>
    [JsonStringEnumMemberName("before_response")]
    BeforeResponse,

    /// <summary>Status and headers are sent. A reply that is not streamed is produced, and owed, by then; of a stream only the prompt is.</summary>
    [JsonStringEnumMemberName("before_first_byte")]
    BeforeFirstByte,

    /// <summary>Half of the tokens are sent, or half of the body.</summary>
    [JsonStringEnumMemberName("mid_stream")]
    MidStream,

    /// <summary>Everything is sent but the event that ends the stream, or the body's last byte.</summary>
    [JsonStringEnumMemberName("before_last_byte")]
    BeforeLastByte,

    /// <summary>Everything is sent and settled; the connection stays open.</summary>
    [JsonStringEnumMemberName("after_last_byte")]
    AfterLastByte,
}

/// <summary>Which calls an entry is for; a field that is null matches every call.</summary>
internal sealed record BehaviorMatch
{
    /// <summary>Part of the request's path; <c>*</c> stands for anything.</summary>
    public string? Path { get; init; }

    /// <summary>The requested model, with or without the vendor before the slash; <c>*</c> stands for anything.</summary>
    public string? Model { get; init; }

    /// <summary>Part of the prompt (of the request's body, for upstreams without prompts). Case counts.</summary>
    public string? Text { get; init; }

    public bool Matches(string path, string? model, string text) =>
        (Path is null || Wildcard.Matches($"*{Path}*", path))
        && (Model is null || (model is not null && MatchesModel(Model, model)))
        && (Text is null || text.Contains(Text, StringComparison.Ordinal));

    private static bool MatchesModel(string pattern, string model) =>
        Wildcard.Matches(pattern, model) || Wildcard.Matches(pattern, model[(model.IndexOf('/', StringComparison.Ordinal) + 1)..]);
}

using System.Buffers;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace LlmWorkflow.Engine.Diagnostics;

/// <summary>
/// Makes values fit for error details, logs and traces: fields named like secrets and values that look like keys become
/// <c>[REDACTED]</c>, texts are cut at 200 characters, lists at 50 entries. Pure.
/// </summary>
public static partial class Redactor
{
    /// <summary>What stands in place of a secret.</summary>
    public const string Redacted = "[REDACTED]";

    /// <summary>Longest text that is kept, in characters.</summary>
    public const int MaxLength = 200;

    private const int MaxEntries = 50;
    private const int MaxDepth = 16;

    /// <summary>Whether a field of this name holds a secret: its last word is auth, secret, key, token or password (<c>total_tokens</c> is none).</summary>
    public static bool IsSecretName(string name)
    {
        var last = LastWord(name).ToString();
        return last.ToUpperInvariant() is "AUTH" or "SECRET" or "KEY" or "TOKEN" or "PASSWORD" or "AUTHORIZATION" or "APIKEY";
    }

    /// <summary>The text without what looks like a key, cut at 200 characters.</summary>
    /// <param name="text">Any text; null stays null.</param>
    /// <param name="secrets">Values that are known to be secret and are removed whatever they look like; nulls are ignored.</param>
    [return: System.Diagnostics.CodeAnalysis.NotNullIfNotNull(nameof(text))]
    public static string? Text(string? text, params ReadOnlySpan<string?> secrets) => text is null ? null : Cut(Secrets(text, secrets));

    /// <summary>The text without what looks like a key, at its full length.</summary>
    public static string Secrets(string text, params ReadOnlySpan<string?> secrets)
    {
        foreach (var secret in secrets)
        {
            if (!string.IsNullOrEmpty(secret))
            {
                text = text.Replace(secret, Redacted, StringComparison.Ordinal);
            }
        }

        text = NamedSecret().Replace(text, "${name}" + Redacted);
        return KeyLike().Replace(text, Redacted);
    }

    /// <summary>The value with its secrets replaced and its texts cut.</summary>
    public static JsonElement Json(JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.Undefined)
        {
            return value;
        }

        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            Write(writer, value, 0);
        }

        var reader = new Utf8JsonReader(buffer.WrittenSpan);
        return JsonElement.ParseValue(ref reader);
    }

    private static void Write(Utf8JsonWriter writer, JsonElement value, int depth)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object or JsonValueKind.Array when depth >= MaxDepth:
                writer.WriteStringValue("…");
                break;
            case JsonValueKind.Object:
                writer.WriteStartObject();
                foreach (var property in value.EnumerateObject().Take(MaxEntries))
                {
                    WriteProperty(writer, property, depth);
                }

                writer.WriteEndObject();
                break;
            case JsonValueKind.Array:
                writer.WriteStartArray();
                foreach (var item in value.EnumerateArray().Take(MaxEntries))
                {
                    Write(writer, item, depth + 1);
                }

                writer.WriteEndArray();
                break;
            case JsonValueKind.String:
                writer.WriteStringValue(Text(value.GetString()!));
                break;
            case JsonValueKind.Undefined:
                writer.WriteNullValue();
                break;
            default:
                value.WriteTo(writer);
                break;
        }
    }

    private static void WriteProperty(Utf8JsonWriter writer, JsonProperty property, int depth)
    {
        writer.WritePropertyName(Text(property.Name));
        if (IsSecretName(property.Name) && property.Value.ValueKind is not (JsonValueKind.Null or JsonValueKind.True or JsonValueKind.False))
        {
            writer.WriteStringValue(Redacted);
        }
        else
        {
            Write(writer, property.Value, depth + 1);
        }
    }

    private static string Cut(string text)
    {
        if (text.Length <= MaxLength)
        {
            return text;
        }

        var end = MaxLength - 1;
        return string.Concat(text.AsSpan(0, char.IsHighSurrogate(text[end - 1]) ? end - 1 : end), "…");
    }

    // Words end at anything that is neither letter nor digit, and where a small letter or digit meets a capital (apiKey, APIKey).
    private static ReadOnlySpan<char> LastWord(string name)
    {
        var end = name.Length;
        while (end > 0 && !char.IsLetterOrDigit(name[end - 1]))
        {
            end--;
        }

        var start = end;
        while (start > 0 && char.IsLetterOrDigit(name[start - 1]) && !StartsWord(name, start, end))
        {
            start--;
        }

        return name.AsSpan(start, end - start);
    }

    private static bool StartsWord(string name, int index, int end) =>
        index < end && char.IsUpper(name[index])
        && (!char.IsUpper(name[index - 1]) || (index + 1 < end && char.IsLower(name[index + 1])));

    // name=value, name: value and name":"value in free text, URLs and headers; the name's last word decides, as for fields.
    [GeneratedRegex(
        """(?<name>(?<![A-Za-z0-9])(?:[A-Za-z0-9]+[_-]){0,6}(?:auth|secret|key|token|password|authorization|apikey)["']?\s{0,3}[=:]\s{0,3}["']?(?:(?:bearer|basic)\s{1,3})?)[^\s"'&,;<>]+""",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex NamedSecret();

    // In order: keys of OpenRouter, OpenAI, Anthropic, Stripe; Google; bearer and basic credentials; GitHub; Slack; AWS; webhook secrets;
    // JSON web tokens; private keys; user and password in a URL; and long runs that mix capitals, small letters and digits.
    [GeneratedRegex(
        @"\b(?:sk|pk|rk)[-_][A-Za-z0-9_-]{12,}|\bAIza[A-Za-z0-9_-]{20,}|(?i:\b(?:bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,})|\b(?:gh[pousr]|github_pat)_[A-Za-z0-9_]{16,}"
        + @"|\bxox[a-z]-[A-Za-z0-9-]{8,}|\b(?:AKIA|ASIA)[A-Z0-9]{12,}|\bwh(?:sec|sk)_[A-Za-z0-9+/=]{8,}|\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{4,}(?:\.[A-Za-z0-9_-]*)?"
        + @"|-----BEGIN [A-Z ]*PRIVATE KEY-----[^-]*(?:-----END [A-Z ]*PRIVATE KEY-----)?|(?<=://)[^/\s:@]*:[^/\s@]+(?=@)"
        + @"|(?<![A-Za-z0-9_+/-])(?=[A-Za-z0-9_+/-]*[A-Z])(?=[A-Za-z0-9_+/-]*[a-z])(?=[A-Za-z0-9_+/-]*[0-9])[A-Za-z0-9_+-]{40,}={0,2}",
        RegexOptions.CultureInvariant)]
    private static partial Regex KeyLike();
}

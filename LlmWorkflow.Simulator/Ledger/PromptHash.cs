using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace LlmWorkflow.Simulator.Ledger;

/// <summary>SHA-256 of a prompt's UTF-8 text, written as lower-case hex. Kept as 32 bytes, since a ledger may hold a million of them.</summary>
[JsonConverter(typeof(PromptHashConverter))]
internal readonly record struct PromptHash(UInt128 High, UInt128 Low)
{
    /// <summary>A number from the hash: what varies by prompt but must not vary by run is seeded with it.</summary>
    public int Seed => (int)(uint)High;

    public static PromptHash Of(string prompt)
    {
        Span<byte> bytes = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes(prompt), bytes);
        return new PromptHash(BinaryPrimitives.ReadUInt128BigEndian(bytes), BinaryPrimitives.ReadUInt128BigEndian(bytes[16..]));
    }

    public override string ToString() => $"{High:x32}{Low:x32}";
}

internal sealed class PromptHashConverter : JsonConverter<PromptHash>
{
    public override PromptHash Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        throw new NotSupportedException("The ledger is only written.");

    public override void Write(Utf8JsonWriter writer, PromptHash value, JsonSerializerOptions options) =>
        writer.WriteStringValue(value.ToString());
}

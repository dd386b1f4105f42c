using System.Buffers.Binary;
using System.Buffers.Text;
using System.Text;
using LlmWorkflow.Simulator.Ledger;

namespace LlmWorkflow.Simulator.Places;

/// <summary>
/// What a place is made up from. Its id holds all of it, with a check sum, so that a place is found again by its id alone, also after a restart.
/// </summary>
/// <param name="Latitude">Of the point around which it lies, in thousandths of a degree.</param>
/// <param name="Longitude">The same.</param>
/// <param name="Index">Which of the places of its type there.</param>
/// <param name="Type">Place type, such as <c>hospital</c>.</param>
internal readonly record struct PlaceId(int Latitude, int Longitude, int Index, string Type)
{
    private const string Prefix = "ChIJ";
    private const int Head = 9;

    /// <summary>From degrees: about 100 m, so that who asks again from the next house gets the same places.</summary>
    public static PlaceId Of(double latitude, double longitude, int index, string type) =>
        new((int)Math.Round(latitude * 1000), (int)Math.Round(longitude * 1000), index, type);

    /// <summary>Null: no place has that id.</summary>
    public static PlaceId? Parse(string text)
    {
        if (!LooksLikeOne(text) || !Base64Url.IsValid(text.AsSpan(Prefix.Length), out var length) || length <= Head)
        {
            return null;
        }

        var bytes = Base64Url.DecodeFromChars(text.AsSpan(Prefix.Length));
        var id = new PlaceId(
            BinaryPrimitives.ReadInt32BigEndian(bytes.AsSpan(1)) >> 8, BinaryPrimitives.ReadInt32BigEndian(bytes.AsSpan(4)) >> 8, bytes[7], Encoding.UTF8.GetString(bytes.AsSpan(Head)));
        return bytes[0] == (byte)id.Sum && bytes[Head - 1] == (byte)(id.Sum >> 8) ? id : null;
    }

    /// <summary>Whether it has the form of an id.</summary>
    public static bool LooksLikeOne(string text) => text.Length >= 20 && text.StartsWith(Prefix, StringComparison.Ordinal);

    public override string ToString()
    {
        var bytes = new byte[Head + Encoding.UTF8.GetByteCount(Type)];
        bytes[0] = (byte)Sum;
        // Three bytes each: what is written last overlaps nothing that is kept.
        BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(1), Latitude << 8);
        BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(4), Longitude << 8);
        bytes[7] = (byte)Index;
        bytes[Head - 1] = (byte)(Sum >> 8);
        Encoding.UTF8.GetBytes(Type, bytes.AsSpan(Head));
        return Prefix + Base64Url.EncodeToString(bytes);
    }

    private ushort Sum => (ushort)PromptHash.Of($"{Latitude} {Longitude} {Index} {Type}").Seed;
}

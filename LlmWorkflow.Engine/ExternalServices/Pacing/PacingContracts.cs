using LlmWorkflow.Engine.Diagnostics;

namespace LlmWorkflow.Engine.ExternalServices.Pacing;

/// <summary>What is paced together: a service limits each key.</summary>
/// <param name="Service">Service name.</param>
/// <param name="Credential">Fingerprint of the key; empty when there is none.</param>
internal sealed record BucketKey(string Service, string Credential);

/// <summary>A place in a bucket's order. It keeps its distance to the places before it, also over pauses and changes of the pace.</summary>
/// <param name="Bucket">Names the bucket; another one, made after this was lost, does not know the place.</param>
/// <param name="Ticket">Its turn comes when the bucket has made so many tokens.</param>
internal sealed record BucketPlace(string Bucket, long Ticket);

/// <summary>Asks for a place, or how long the one held still has to wait.</summary>
/// <param name="Key">The bucket.</param>
/// <param name="Pace">Null: no limit; only pauses count.</param>
/// <param name="Held">The place taken before; null: none.</param>
/// <param name="Most">A turn that is further away is not taken; null: any is.</param>
internal sealed record BucketAsk(BucketKey Key, BucketPace? Pace, BucketPlace? Held, TimeSpan? Most);

/// <summary>The answer to a <see cref="BucketAsk"/>.</summary>
/// <param name="Place">The place that is held now; null: none was needed or taken.</param>
/// <param name="Wait">Until its turn; zero: now.</param>
/// <param name="IsRefused">The turn would come later than was asked for: no place was taken.</param>
internal readonly record struct BucketAnswer(BucketPlace? Place, TimeSpan Wait, bool IsRefused);

/// <summary>Where buckets are kept: in Redis for the fleet, in memory for one process.</summary>
internal interface IBucketStore
{
    /// <summary>Takes a place, or looks how far away the held one is. A place that the bucket does not know is replaced by a new one.</summary>
    Task<BucketAnswer> AskAsync(BucketAsk ask);

    /// <summary>Gives a place back to whoever comes next.</summary>
    Task GiveBackAsync(BucketKey key, BucketPlace place);

    /// <summary>Stops everybody for a while. Returns false when the bucket was paused already.</summary>
    Task<bool> PauseAsync(BucketKey key, TimeSpan pause);
}

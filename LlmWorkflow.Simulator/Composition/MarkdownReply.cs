using System.Text;

namespace LlmWorkflow.Simulator.Composition;

/// <summary>Writes the sections that a prompt asks for, from the names found in it.</summary>
internal static class MarkdownReply
{
    private const int MostContacts = 8;
    private const int MostPlaces = 3;
    private const int MostPoints = 5;

    public static string Write(IReadOnlyList<RequestedSection> sections, PromptFacts facts)
    {
        var reply = new StringBuilder();
        foreach (var section in sections)
        {
            reply.Append(reply.Length == 0 ? "" : "\n").Append(section.Heading).Append("\n\n");
            var topic = SectionTopic.Of(section, facts);
            if (topic.Labels.Count == 0)
            {
                WritePoints(reply, section, facts);
                continue;
            }

            for (var i = 0; i < topic.Items.Count; i++)
            {
                WriteItem(reply, topic.Labels, section.Bulleted, topic.Items[i], i, facts);
            }
        }

        return reply.ToString().TrimEnd('\n');
    }

    private static void WriteItem(
        StringBuilder reply, IReadOnlyList<RequestedLabel> labels, bool bulleted, NamedItem item, int index, PromptFacts facts)
    {
        for (var i = 0; i < labels.Count; i++)
        {
            reply.Append(i == 0 ? "- " : bulleted ? "  - " : "  ")
                .Append("**").Append(labels[i].Text).Append(":** ")
                .Append(FieldValue.Of(labels[i].Text, labels[i].Choices, item, index, facts)).Append('\n');
        }
    }

    private static void WritePoints(StringBuilder reply, RequestedSection section, PromptFacts facts)
    {
        var place = facts.Place is null ? "your area" : facts.Place;
        reply.Append(section.Title).Append(" for ").Append(place).Append(", based on the information given.\n\n");
        foreach (var item in facts.Items.Take(MostPoints))
        {
            reply.Append("- ").Append(FieldValue.Sentence(item, facts)).Append('\n');
        }

        if (facts.Items.Count == 0)
        {
            reply.Append("- Agree on who does what, and write it down.\n- Keep the list where everybody finds it.\n- Go through it again every six months.\n");
        }
    }

    /// <summary>Which items go into a section, under which labels.</summary>
    private sealed record SectionTopic(IReadOnlyList<RequestedLabel> Labels, IReadOnlyList<NamedItem> Items)
    {
        private static readonly string[] ContactWords = ["CONTACT", "PHONE", "NUMBER", "SERVICE", "DIRECTORY"];
        private static readonly string[] PlaceWords = ["LOCATION", "MEETING", "PLACE", "SHELTER", "RENDEZVOUS", "ADDRESS"];
        private static readonly string[] EmergencyKinds = ["hospital", "police", "fire", "emergency", "poison", "pharmacy", "doctor", "clinic"];

        public static SectionTopic Of(RequestedSection section, PromptFacts facts)
        {
            var title = section.Title.ToUpperInvariant();
            var isPlaces = PlaceWords.Any(word => title.Contains(word, StringComparison.Ordinal));
            var isContacts = !isPlaces && ContactWords.Any(word => title.Contains(word, StringComparison.Ordinal));
            var labels = section.Labels.Count > 0 ? section.Labels
                : isContacts ? Labelled("Name", "Phone", "Address", "Priority")
                : isPlaces ? Labelled("Name", "Address", "Reason")
                : [];
            return new SectionTopic(labels, isPlaces ? Places(facts) : Contacts(facts));
        }

        private static RequestedLabel[] Labelled(params string[] texts) => [.. texts.Select(text => new RequestedLabel(text, []))];

        private static List<NamedItem> Contacts(PromptFacts facts) => OrDefault(
            facts.Items.OrderBy(item => item.Phone is null).ThenBy(item => !IsEmergencyService(item)).Take(MostContacts).ToList(),
            new NamedItem($"{City(facts)}Emergency Services") { Phone = "911" });

        private static List<NamedItem> Places(PromptFacts facts)
        {
            // People meet where they do not stand in the way of those who help.
            var places = facts.Items.Where(item => item.Address is not null).OrderBy(IsEmergencyService).Take(MostPlaces).ToList();
            return OrDefault(places, new NamedItem($"{City(facts)}Public Library"));
        }

        private static bool IsEmergencyService(NamedItem item) => EmergencyKinds.Any(kind =>
            $"{item.Kind} {item.Name}".Contains(kind, StringComparison.OrdinalIgnoreCase));

        private static List<NamedItem> OrDefault(List<NamedItem> items, NamedItem otherwise) => items.Count > 0 ? items : [otherwise];

        private static string City(PromptFacts facts) => facts.Place is { } place ? $"{place.Split(',')[0]} " : "";
    }
}

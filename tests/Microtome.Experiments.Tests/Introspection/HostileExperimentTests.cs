using System.Text;

namespace Microtome.Experiments.Tests.Introspection;

public class HostileExperimentTests
{
    private static readonly byte[] Original = Encoding.UTF8.GetBytes("""
        experiment: which-sentence
        concepts: [sea, { name: joy, latents: [[3, 142], [4, 7, 0.5]] }]
        vector: { templates: ["a {word}"], baseline: [x, y] }
        layers: [1, 3-4]
        strengths: [0.5, 8]
        sentences-in-a-trial: 3
        prompts:
          sentences: &s ["One.", "Two.", "Three.", "Four."]
        """);

    [Fact]
    public void Damaged_files_are_read_or_refused_with_a_message()
    {
        for (int seed = 0; seed < 2000; seed++)
        {
            string text = Encoding.UTF8.GetString(Mutations.Mutate(Original, seed));
            try
            {
                ExperimentReader.Parse(text, "f.yaml").Kind.ShouldNotBeNull();
            }
            catch (InvalidDataException exception)
            {
                exception.Message.ShouldContain("f.yaml", customMessage: $"seed {seed}");
            }
        }
    }
}

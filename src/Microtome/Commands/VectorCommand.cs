using System.CommandLine;
using Microtome.Experiments;
using Microtome.Terminal;

namespace Microtome.Commands;

/// <summary><c>microtome vector</c>: makes, compares, shows, converts and plots steering vectors.</summary>
internal static class VectorCommand
{
    public static Command Create() => new("vector", "Make, compare, show and convert steering vectors, and plot texts' ways through the layers.")
    {
        VectorMakeCommand.Create(),
        VectorCompareCommand.Create(),
        CreateShow(),
        CreateConvert(),
        VectorPlotCommand.Create(),
    };

    private static ExampleCommand CreateShow()
    {
        Argument<string> path = new("FILE") { Description = "A steering vector: safetensors or GGUF." };
        Option<bool> json = CommonOptions.Json();
        ExampleCommand command = new("show", "Say what a steering vector is and how it was made.", "microtome vector show happy.safetensors") { path, json };
        command.SetWork((result, _) =>
        {
            string file = result.GetValue(path)!;
            SteeringVector vector = VectorFile.Load(file);
            VectorRecipe recipe = vector.Recipe;
            if (result.GetValue(json))
            {
                JsonRecord.Print(record =>
                {
                    record.WriteString("file", file);
                    record.WriteNumber("width", vector.Width);
                    record.WriteStartObject("norms");
                    foreach ((int layer, float[] direction) in vector.Directions) record.WriteNumber($"{layer}", SteeringVector.Norm(direction));
                    record.WriteEndObject();
                    record.WritePropertyName("recipe");
                    record.WriteRawValue(recipe.ToJson());
                });
                return Task.FromResult(0);
            }
            Screen.Line($"[bold]{Screen.Escape(Path.GetFileName(file))}[/]: {(vector.Directions.Count == 1 ? "a direction" : $"{vector.Directions.Count} directions")} of width {vector.Width}");
            Screen.Table(["", ""], new (string Name, string Value)[]
            {
                ("method", recipe.Method),
                ("concept", recipe.Concept),
                ("model", recipe.Model.Length > 0 ? recipe.Model : recipe.Family),
                ("positive texts", recipe.Positive.Count == 0 ? "" : $"{recipe.Positive.Count}, such as {TextFormat.Token(recipe.Positive[0], 60)}"),
                ("negative texts", recipe.Negative.Count == 0 ? "" : $"{recipe.Negative.Count}, such as {TextFormat.Token(recipe.Negative[0], 60)}"),
                ("seed", recipe.Seed?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? ""),
                ("made by", recipe.Version),
            }.Where(row => row.Value.Length > 0).Concat(recipe.Notes.Select(note => (note.Key, note.Value))).Select(row => new[] { Screen.Escape(row.Item1), Screen.Escape(row.Item2) }));
            Screen.Table([">layer", ">length"], vector.Directions.Select(pair => new[] { $"{pair.Key}", TextFormat.Value(SteeringVector.Norm(pair.Value)) }));
            return Task.FromResult(0);
        });
        return command;
    }

    private static ExampleCommand CreateConvert()
    {
        Argument<string> from = new("FROM") { Description = "A steering vector: safetensors or GGUF." }, to = new("TO") { Description = "The file to write; GGUF where its name ends in .gguf, else safetensors." };
        Option<bool> unit = new("--unit") { Description = "Make every direction 1 long." };
        ExampleCommand command = new("convert", "Write a steering vector in the other format: safetensors, or the GGUF of repeng and llama.cpp.",
            "microtome vector convert happy.safetensors happy.gguf") { from, to, unit };
        command.SetWork((result, _) =>
        {
            SteeringVector vector = VectorFile.Load(result.GetValue(from)!);
            if (result.GetValue(unit)) vector = vector.Unit();
            string target = result.GetValue(to)!;
            VectorFile.Save(vector, target);
            if (target.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase) && vector.Directions.ContainsKey(0)) Console.Error.WriteLine("note: llama.cpp reads no direction for layer 0; repeng does.");
            Screen.Line($"Wrote {Screen.Escape(target)}");
            return Task.FromResult(0);
        });
        return command;
    }
}

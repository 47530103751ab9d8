using System.CommandLine;
using System.Diagnostics;
using System.Text;
using Microtome.Experiments;
using Microtome.Models;
using Microtome.Models.Training;
using Microtome.Numerics;
using Microtome.Terminal;

namespace Microtome.Commands;

/// <summary><c>microtome train-lm</c>: trains a language model.</summary>
internal static class TrainLmCommand
{
    private static readonly TimeSpan LineEvery = TimeSpan.FromSeconds(10);

    public static Command Create()
    {
        DecoderShape shapes = new() { Vocabulary = 2048 };
        TrainingOptions trainings = new();
        Option<string[]> source = new("--source") { HelpName = "FILE…", Description = "UTF-8 text files; <|endoftext|> ends a text within one. Or small-world: sentences about a small world, of which the model that comes with Microtome was made.", AllowMultipleArgumentsPerToken = true };
        Option<DirectoryInfo> output = new("--out", "-o") { HelpName = "DIR", Description = "Where the model, its checkpoints and its curve go.", Required = true };
        Option<bool> resume = new("--resume") { Description = "Go on with the run in --out, to the same bits as if it had never stopped; --steps and --learning-rate can be changed." };
        Option<int> layers = new("--layers") { HelpName = "N", Description = "Layers.", DefaultValueFactory = _ => shapes.Layers };
        Option<int> width = new("--width") { HelpName = "N", Description = "Width of the residual stream.", DefaultValueFactory = _ => shapes.Width };
        Option<int> heads = new("--heads") { HelpName = "N", Description = "Attention heads.", DefaultValueFactory = _ => shapes.Heads };
        Option<int> shared = new("--kv-heads") { HelpName = "N", Description = "Pairs of keys and values that the heads share.", DefaultValueFactory = _ => shapes.KeyValueHeads };
        Option<int?> mlpWidth = new("--mlp-width") { HelpName = "N", Description = "Width of the MLPs; three times the stream's unless given." };
        Option<int> vocabulary = new("--vocabulary") { HelpName = "N", Description = "The most tokens to learn: 256 bytes, merged pairs, and one that ends texts.", DefaultValueFactory = _ => shapes.Vocabulary };
        Option<int> context = new("--context") { HelpName = "N", Description = "The longest text in tokens.", DefaultValueFactory = _ => shapes.Context };
        Option<long?> steps = new("--steps") { HelpName = "N", Description = $"Steps; {trainings.Steps} unless given." };
        Option<int> batch = new("--batch") { HelpName = "N", Description = "Tokens in a step.", DefaultValueFactory = _ => trainings.BatchTokens };
        Option<double?> rate = new("--learning-rate") { HelpName = "R", Description = $"The highest learning rate, after warm-up; {trainings.LearningRate} unless given. It then falls along a cosine." };
        Option<int> warmUp = new("--warm-up") { HelpName = "N", Description = "Steps of warm-up.", DefaultValueFactory = _ => (int)trainings.WarmUpSteps };
        Option<double> decay = new("--weight-decay") { HelpName = "R", Description = "Weight decay of matrices.", DefaultValueFactory = _ => trainings.Optimizer.WeightDecay };
        Option<int> every = new("--checkpoint-every") { HelpName = "N", Description = "Steps between checkpoints.", DefaultValueFactory = _ => (int)trainings.CheckpointEvery };
        Option<int> validate = new("--validate-every") { HelpName = "N", Description = "Steps between measurements of the validation loss.", DefaultValueFactory = _ => (int)trainings.ValidateEvery };
        Option<string> type = new("--type") { HelpName = "f32|bf16", Description = "How the model's weights are saved.", DefaultValueFactory = _ => "f32" };
        Option<int> seed = new("--seed") { HelpName = "N", Description = "Of the weights' first values and the order of the texts." };
        Option<int?> threads = CommonOptions.Threads();
        Option<bool> json = CommonOptions.Json();
        type.AcceptOnlyFromAmong("f32", "bf16");
        foreach (Option<int> positive in new[] { layers, width, heads, shared, vocabulary, context, batch, every, validate }) CommonOptions.Positive(positive);
        CommonOptions.NotNegative(warmUp);
        CommonOptions.NotNegative(decay);
        CommonOptions.Positive(mlpWidth);
        ExampleCommand command = new("train-lm", "Train a language model on text.",
            "microtome train-lm --source stories.txt --out my-model",
            "microtome train-lm --source small-world --out world --layers 5 --width 160 --vocabulary 3600 --steps 8000",
            "microtome train-lm --out my-model --resume --learning-rate 0.001")
        {
            source, output, resume, layers, width, heads, shared, mlpWidth, vocabulary, context, steps, batch, rate, warmUp, decay, every, validate, type, seed, threads, json,
        };
        command.Validators.Add(result =>
        {
            bool continues = result.GetValue(resume), given = result.GetResult(source) is not null;
            if (!continues && !given) result.AddError("--source is needed: text files to train on, or small-world.");
            if (continues && given) result.AddError("--resume goes on with the texts that the run began with; leave --source away.");
        });
        command.SetWork((result, cancellation) =>
        {
            result.UseThreads(threads);
            string folder = result.GetValue(output)!.FullName;
            using ProgressDisplay progress = new();
            progress.Report("reading the texts", null);
            LanguageModelRun run;
            if (result.GetValue(resume))
            {
                LanguageModelRecipe recipe = LanguageModelRun.ReadRecipe(folder);
                recipe = recipe with
                {
                    Training = recipe.Training with { Steps = result.GetValue(steps) ?? recipe.Training.Steps, LearningRate = result.GetValue(rate) ?? recipe.Training.LearningRate },
                };
                run = LanguageModelRun.Resume(folder, recipe, Texts(recipe));
            }
            else
            {
                string[] sources = [.. result.GetValue(source)!.Select(name => name == TrainingTexts.SmallWorld ? name : Path.GetFullPath(name))];
                LanguageModelRecipe recipe = new()
                {
                    Sources = sources,
                    Seed = result.GetValue(seed),
                    Type = result.GetValue(type) == "bf16" ? ElementType.BF16 : ElementType.F32,
                    Shape = new DecoderShape
                    {
                        Layers = result.GetValue(layers),
                        Width = result.GetValue(width),
                        Heads = result.GetValue(heads),
                        KeyValueHeads = result.GetValue(shared),
                        MlpWidth = result.GetValue(mlpWidth),
                        Vocabulary = result.GetValue(vocabulary),
                        Context = result.GetValue(context),
                    },
                    Training = trainings with
                    {
                        Steps = result.GetValue(steps) ?? trainings.Steps,
                        BatchTokens = result.GetValue(batch),
                        LearningRate = result.GetValue(rate) ?? trainings.LearningRate,
                        WarmUpSteps = result.GetValue(warmUp),
                        CheckpointEvery = result.GetValue(every),
                        ValidateEvery = result.GetValue(validate),
                        Optimizer = trainings.Optimizer with { WeightDecay = result.GetValue(decay) },
                    },
                };
                TrainingTexts texts = Texts(recipe);
                progress.Report("learning a vocabulary", null);
                run = LanguageModelRun.Start(folder, recipe, texts, cancellation);
            }
            using (run) Train(run, folder, progress, result.GetValue(json), cancellation);
            return Task.FromResult(0);
        });
        return command;
    }

    private static TrainingTexts Texts(LanguageModelRecipe recipe) => TrainingTexts.Open(recipe.Sources, recipe.Seed);

    private static void Train(LanguageModelRun run, string folder, ProgressDisplay progress, bool records, CancellationToken cancellation)
    {
        long steps = run.Recipe.Training.Steps, first = run.Trainer.Step;
        if (!records)
        {
            DecoderShape shape = run.Recipe.Shape;
            Screen.Line($"[bold]{Screen.Escape(folder)}[/]");
            Screen.Line($"[{Screen.Faint}]{TextFormat.Number(run.Decoder.ParameterCount)} parameters: {shape.Layers} layers of width {shape.Width}, {shape.Heads} heads, {TextFormat.Number(shape.Vocabulary)} tokens; step {first} of {steps}[/]");
        }
        Stopwatch watch = Stopwatch.StartNew(), line = Stopwatch.StartNew();
        long tokens = run.Trainer.Tokens;
        run.Run(record =>
        {
            progress.Report("training", (double)record.Step / steps);
            bool report = record.ValidationLoss is not null || record.Step == steps || line.Elapsed > LineEvery;
            if (!report) return;
            line.Restart();
            double rate = (record.Tokens - tokens) / watch.Elapsed.TotalSeconds;
            if (records) Print(record, rate);
            else
            {
                if (!Console.IsErrorRedirected) progress.Clear(); // in a pipe the step would be announced anew with every line
                TimeSpan left = watch.Elapsed / (record.Step - first) * (steps - record.Step);
                Screen.Line(FormattableString.Invariant($"  step {record.Step,7}  loss {record.Loss:0.0000}{(record.ValidationLoss is { } v ? FormattableString.Invariant($"  validation {v:0.0000}") : ""),-20}  {rate,9:#,0} tokens/s  {(record.Step < steps ? TextFormat.Duration(left) + " left" : "")}"));
            }
        }, cancellation);
        progress.Clear();
        Chart chart = TrainingCurveChart.Of(TrainingCurve.Read(TrainingCurve.PathIn(folder)));
        AtomicFile.Write(Path.Combine(folder, "curve.svg"), stream => stream.Write(Encoding.UTF8.GetBytes(ChartSvg.WriteFile(chart))));
        AtomicFile.Write(Path.Combine(folder, "curve.vl.json"), stream => stream.Write(Encoding.UTF8.GetBytes(VegaLite.Write(chart))));
        if (!records) Screen.Line($"\nWrote {Screen.Escape(Path.Combine(folder, "model.safetensors"))}; try it: microtome generate --model {Screen.Escape(folder)} --prompt …");
    }

    private static void Print(TrainingRecord record, double rate) => JsonRecord.Print(json =>
    {
        json.WriteNumber("step", record.Step);
        json.WriteNumber("loss", record.Loss);
        json.WriteNumber("learning_rate", record.LearningRate);
        json.WriteNumber("gradient_norm", record.GradientNorm);
        json.WriteNumber("tokens", record.Tokens);
        json.WriteNumber("tokens_per_second", rate);
        if (record.ValidationLoss is { } validation) json.WriteNumber("validation_loss", validation);
    });
}

namespace Microtome.Experiments;

/// <summary>Texts that an experiment needs.</summary>
/// <param name="Name">The key in experiment files, under <c>prompts</c>.</param>
/// <param name="IsList">Whether there can be several.</param>
public sealed record PromptKey(string Name, string Description, IReadOnlyList<string> Default, bool IsList = true);

/// <summary>A number that an experiment needs.</summary>
/// <param name="Name">The key in experiment files.</param>
public sealed record NumberKey(string Name, string Description, double Default, double Minimum, double Maximum, bool IsWhole = true);

/// <summary>A kind of experiment: what it asks, and what its file may say beside what all files may.</summary>
/// <param name="Name">What files and the command line call it.</param>
/// <param name="Title">Its report's title.</param>
/// <param name="Question">What it asks, in a sentence or two.</param>
public sealed record ExperimentKind(string Name, string Title, string Question, IReadOnlyList<PromptKey> Prompts, IReadOnlyList<NumberKey> Numbers)
{
    private static readonly PromptKey Context = new("context", "What is said before the question; it is computed once.", ["Answer each question with yes or no."], IsList: false);
    private static readonly PromptKey Template = new("template", "How a model without a chat template reads a question: with {context} and {question} where they go.", ["{context}\nQuestion: {question}\nAnswer:"], IsList: false);
    private static readonly PromptKey Ask = new("ask", "The introspective questions.", ["Am I injecting a thought into your mind right now?"]);
    private static readonly PromptKey ThirdPerson = new("third-person", "The same questions about someone else.", ["Am I injecting a thought into Tom's mind right now?"]);
    private static readonly PromptKey True = new("true", "Control questions whose answer is yes, whatever is injected.", ["Is fire hot?", "Is the sky blue?", "Can a bird fly?"]);
    private static readonly PromptKey False = new("false", "Control questions whose answer is no, whatever is injected.", ["Is fire cold?", "Is the sky green?", "Can a stone fly?"]);
    private static readonly PromptKey[] YesOrNo = [Context, Template, Ask, ThirdPerson, True, False];

    public static ExperimentKind InjectedThought { get; } = new("injected-thought", "Does the model notice an injected thought?",
        "Vectors of concepts are added to the residual stream while the model reads whether a thought is being injected. Does it say yes more than to control questions of known answer under the same injection, and more than for random vectors of the same length?",
        YesOrNo, []);

    public static ExperimentKind WhichThought { get; } = new("which-thought", "Does the model know which thought was injected?",
        "A concept is injected, and the model chooses among it and others. Do the log-odds of the injected one rise more than under a random vector of the same length?",
        [Context with { Default = ["Choose one of the words."] }, Template, new PromptKey("ask", "The question, with {options} where the words go.", ["Which of these words am I injecting into your mind: {options}?"])],
        [new NumberKey("options", "How many words there are to choose from.", 5, 2, 9), new NumberKey("draws", "How many draws of other words each concept is tested with.", 2, 1, 100)]);

    public static ExperimentKind WhereItHappens { get; } = new("where-it-happens", "Where in the model does the answer come from?",
        "Through the layers, heads and latents: where does yes − no begin to differ between concept and random vectors, who attends to the injected positions, and what changes when a direction or a head is taken out?",
        YesOrNo, [new NumberKey("top", "How many heads and latents are taken out, those with the largest effect first.", 8, 1, 1000)]);

    public static ExperimentKind TrainedIntrospection { get; } = new("trained-introspection", "Can a bias vector make the model report injections?",
        "A bias vector for each layer is trained so that injections of some concepts are reported and sham trials are not. Does it carry over to concepts that it was not trained on?",
        YesOrNo,
        [
            new NumberKey("held-out", "The share of the concepts that the bias is tested on and not trained on.", 0.5, 0.1, 0.9, IsWhole: false),
            new NumberKey("steps", "Steps of training.", 200, 1, 100_000),
            new NumberKey("learning-rate", "Of AdamW.", 0.01, 1e-7, 10, IsWhole: false),
        ]);

    public static ExperimentKind ThroughTheCache { get; } = new("through-the-cache", "Does a thought of the turn before leave a trace?",
        "The vector is added during a first turn and is gone before the question, so that a report can come only from the keys and values that it left (Pearson-Vogel et al. 2026). Does it, and does the framing of the question matter?",
        [
            Context with { Default = ["I am going to read a text to you and then ask about it."] },
            new PromptKey("first-turn", "What is read while the vector is there.", ["The day was calm and there was little to do. People walked along the road and talked."], IsList: false),
            new PromptKey("template", "How a model without a chat template reads it: with {context}, {turn} and {question}.", ["{context}\n{turn}\nQuestion: {question}\nAnswer:"], IsList: false),
            new PromptKey("framings", "Framings of the question, each asked by itself.", ["Did I inject a thought into your mind before?", "Was there anything unusual in what you read?", "Please look closely at your own mind. Did I inject a thought before?"]),
            ThirdPerson with { Default = ["Did I inject a thought into Tom's mind before?"] }, True, False,
        ], []);

    public static ExperimentKind WhichSentence { get; } = new("which-sentence", "Which sentence was steered?",
        "One of several sentences is steered, and the model says which (Godet 2025). How often is it right, layer by layer, against chance and against control vectors?",
        [
            Context with { Default = ["I will read you some sentences."] },
            new PromptKey("sentences", "Sentences to choose from; each trial draws as many as it needs.",
            [
                "The dog ran home.", "A cup was there.", "The door was open.", "She had a hat.", "The road is long.", "He read a book.", "The tree is old.", "They saw a boat.",
                "The lamp is new.", "We went to school.",
            ]),
            new PromptKey("template", "How a model without a chat template reads it: with {context}, {sentences} and {question}.", ["{context}\n{sentences}\nQuestion: {question}\nAnswer: Sentence"], IsList: false),
            Ask with { Default = ["Into which sentence did I inject a thought?"] },
        ],
        [new NumberKey("sentences-in-a-trial", "How many sentences there are in a trial.", 5, 2, 9), new NumberKey("draws", "How many draws of sentences each vector is tested with.", 6, 1, 100)]);

    public static ExperimentKind CarriersAndGates { get; } = new("carriers-and-gates", "Which latents carry the evidence, and which hold the answer back?",
        "Latents whose activation grows with the strength of many unrelated vectors (carriers), and latents that are suppressed by them and promote the default \"no\" (gates), after Macar et al. 2026 (arXiv 2603.21396): ranked by attribution, confirmed by taking them out.",
        YesOrNo, [new NumberKey("top", "How many carriers and gates are taken out.", 20, 1, 10_000)]);

    public static ExperimentKind KnownNames { get; } = new("known-names", "Does the model know what it knows?",
        "A probe and a latent for \"this name exists\" are found on names that do and do not. Does steering with them turn the answer to unknown, and back?",
        [
            Context with { Default = ["Answer with the word, or say unknown."] }, Template,
            new PromptKey("known", "Names that the model knows.", ["London", "Paris", "France", "China", "Monday", "Friday", "June", "Mary", "John", "Peter", "Anna", "Tom", "Berlin", "Rome", "Japan", "Sunday", "April", "Lucy", "James", "Boston", "Texas", "Canada", "David", "Egypt"]),
            new PromptKey("unknown", "Names like those that nobody has.", ["Londrel", "Parvos", "Frunzia", "Chorla", "Monvey", "Fradly", "Jurn", "Marph", "Jostil", "Petral", "Annib", "Tolm", "Berlov", "Romil", "Jopan", "Sundel", "Aprix", "Lucet", "Jamor", "Bostav", "Texol", "Canorda", "Davon", "Egynt"]),
            new PromptKey("ask", "The question, with {name} where the name goes.", ["Do you know {name}?"], IsList: false),
        ],
        [new NumberKey("held-out", "The share of the names that the probe is tested on and not fitted to.", 0.5, 0.1, 0.9, IsWhole: false)]);

    /// <summary>All kinds, in the order of the documentation.</summary>
    public static IReadOnlyList<ExperimentKind> All { get; } = [InjectedThought, WhichThought, WhereItHappens, TrainedIntrospection, ThroughTheCache, WhichSentence, CarriersAndGates, KnownNames];

    /// <summary>The kind of this name; null where there is none.</summary>
    public static ExperimentKind? Find(string name) => All.FirstOrDefault(kind => kind.Name == name);
}

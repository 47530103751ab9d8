using System.Runtime.CompilerServices;

[assembly: InternalsVisibleTo("Microtome.Dictionaries.Tests")]
[assembly: InternalsVisibleTo("Microtome.Bench")]

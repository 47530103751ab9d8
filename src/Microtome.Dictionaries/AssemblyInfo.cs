using System.Runtime.CompilerServices;

[assembly: InternalsVisibleTo("Microtome.Dictionaries.Tests")]

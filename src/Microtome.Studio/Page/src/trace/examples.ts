import type { Model } from "../api/types";
import { shortName } from "../graph/graph";

/** Beginnings that a model of this name can go on from, with tokens to explain. */
export function examplesFor(model: Model | undefined): { prompts: string[]; answer: string; other: string } {
  return shortName(model?.name ?? null)?.startsWith("stories")
    ? { prompts: ["Once upon a time, there was a little girl named", "Tom was sad because he lost his"], answer: " Lily", other: "Tom" }
    : { prompts: ["The capital of the state containing Dallas is", "Tom and Sue went to the park, Tom gave the ball to"], answer: " Austin", other: "Boston" };
}

/** A share of a whole as a bar. The number stands beside it, so that the bar itself says nothing to those who listen. */
export function Bar({ share, tone }: { share: number; tone?: "positive" | "negative" | "plain" }) {
  return (
    <svg class={`share-bar is-${tone ?? "plain"}`} viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">
      <rect class="share-bar-ground" width="100" height="6" />
      <rect class="share-bar-value" width={Math.max(0, Math.min(100, share * 100)).toFixed(2)} height="6" />
    </svg>
  );
}

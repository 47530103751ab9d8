import { Component, type ComponentChildren } from "preact";
import { Problem } from "./controls";

/** Keeps an error in one pane from taking the page with it. */
export class Boundary extends Component<{ children: ComponentChildren }, { error: string | null }> {
  state = { error: null as string | null };

  static getDerivedStateFromError(error: unknown) {
    return { error: error instanceof Error ? error.message : String(error) };
  }

  componentDidCatch(error: unknown) {
    console.error(error);
  }

  render() {
    if (this.state.error === null) return this.props.children;
    return <Problem text={`This part cannot be shown: ${this.state.error}`} onRetry={() => this.setState({ error: null })} />;
  }
}

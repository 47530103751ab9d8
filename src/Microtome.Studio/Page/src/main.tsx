import { render } from "preact";
import { App } from "./App";
import { start } from "./state/start";
import "./styles/base.css";
import "./styles/controls.css";
import "./styles/panes.css";
import "./styles/story.css";
import "./styles/views.css";

render(<App />, document.getElementById("studio")!);
start();

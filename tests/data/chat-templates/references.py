"""Writes expected.json: what Jinja2, set up as transformers sets it up, renders for each template and case.

    pip install jinja2 && python references.py
"""
import datetime
import json
import pathlib

import jinja2.ext
from jinja2.sandbox import ImmutableSandboxedEnvironment

FOLDER = pathlib.Path(__file__).parent
NOW = datetime.datetime(2026, 3, 9, 14, 5, 6)


def refuse(message):
    raise jinja2.exceptions.TemplateError(message)


def to_json(value, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[jinja2.ext.loopcontrols])
environment.filters["tojson"] = to_json
environment.globals["raise_exception"] = refuse
environment.globals["strftime_now"] = NOW.strftime


def render(source, variables):
    try:
        return environment.from_string(source).render(**variables)
    except Exception:
        return None  # refused


cases = json.loads((FOLDER / "cases.json").read_text())
expected = {}
for file in sorted(FOLDER.glob("*.jinja")):
    expected[file.name] = {
        one["name"]: render(file.read_text(), {"bos_token": "<bos>", "eos_token": "<eos>", "messages": one["messages"], "tools": one.get("tools"),
                                               "documents": None, "add_generation_prompt": one.get("add_generation_prompt", False), **one.get("variables", {})})
        for one in cases
    }
snippets = json.loads((FOLDER / "snippets.json").read_text())
expected["snippets"] = [render(one, {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Ho"}], "n": 3, "word": " Été ", "data": {"b": 1, "a": [1, 2.5, None, True, "x'y"]}}) for one in snippets]
(FOLDER / "expected.json").write_text(json.dumps(expected, indent=1, ensure_ascii=False) + "\n")

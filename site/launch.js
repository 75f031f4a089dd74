// Without this script the page is complete and its links work, with every default. It then shows all choices.
// The script shows one choice at a time, and writes the settings into the link and the commands. It sends and stores nothing.
"use strict";

const choose = document.getElementById("choose");
const ofAChoice = document.querySelectorAll("[data-choice]");

function show(id) {
  for (const part of ofAChoice) part.hidden = part.dataset.choice !== id;
}

// A number as CloudFormation reads one: a browser also takes 1e4 and 007. A text by the template's own pattern, which
// CloudFormation matches with the whole text, or with each member of a list.
function isRight(control) {
  const { pattern, list } = control.dataset;
  if (control.type === "number") return control.checkValidity() && /^(0|[1-9][0-9]*)$/.test(control.value);
  const members = list === undefined ? [control.value] : control.value.split(",").map((one) => one.trim());
  return !pattern || members.every((one) => new RegExp(`^(?:${pattern})$`).test(one));
}

// The values that differ from their defaults, and every control with a wrong value.
function chosen(form) {
  const controls = [...form.querySelectorAll("[data-default]")];
  const wrong = controls.filter((control) => !isRight(control));
  const parameters = controls
    .filter((control) => control.value !== control.dataset.default)
    .map((control) => [control.name, control.value]);
  return { parameters, wrong };
}

// The value of an expression of a template's rule, as orchestera_release.rules evaluates it: `known` holds a text or a
// list for each name. What is not known is undefined, and so is what depends on it. The page is not built if a rule has
// another function.
function evaluate(node, known) {
  if (typeof node === "string") return node;
  if (Array.isArray(node)) return ifKnown(node.map((one) => evaluate(one, known)), (all) => all);
  const [[name, argument]] = Object.entries(node);
  if (name === "Ref") return known[argument];
  const all = argument.map((one) => evaluate(one, known));
  switch (name) {
    // One decisive argument is enough, whatever the others are.
    case "Fn::And":
      return all.includes(false) ? false : ifKnown(all, () => true);
    case "Fn::Or":
      return all.includes(true) ? true : ifKnown(all, () => false);
    case "Fn::Not":
      return ifKnown(all, ([one]) => !one);
    case "Fn::Equals":
      return ifKnown(all, ([one, other]) => JSON.stringify(one) === JSON.stringify(other));
    case "Fn::Contains":
      return ifKnown(all, ([list, one]) => list.includes(one));
    case "Fn::EachMemberEquals":
      return ifKnown(all, ([list, one]) => list.every((member) => member === one));
  }
  throw new Error(`a rule has ${name}`);
}

const ifKnown = (all, use) => (all.includes(undefined) ? undefined : use(all));

// The names that an expression refers to.
function* namesIn(node) {
  if (typeof node === "string") return;
  if (!Array.isArray(node) && "Ref" in node) yield node.Ref;
  else for (const one of Object.values(node)) yield* namesIn(one);
}

// What the template's rules forbid: a message for each, and the parameters that it is about.
function forbidden({ known, rules }, parameters) {
  const isList = (name) => Array.isArray(known[name]);
  const chosen = parameters.map(([name, value]) => [name, isList(name) ? value.split(",").map((one) => one.trim()) : value]);
  const values = { ...known, ...Object.fromEntries(chosen) };
  const applied = rules.filter(({ condition }) => !condition || evaluate(condition, values) === true);
  return applied.flatMap(({ condition, assertions }) =>
    assertions
      .filter(({ holds }) => evaluate(holds, values) === false)
      .map(({ holds, message }) => ({ message, names: [...namesIn([condition ?? "", holds])] })),
  );
}

// A word for bash and zsh. In single quotes nothing is special, neither in a script nor at a prompt.
const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

// Values that need no quotes anywhere.
const isPlain = (value) => /^[A-Za-z0-9_.:@/+-]+$/.test(value);

// The AWS CLI and SAM both read this form. In its double quotes spaces, commas and = are part of the value.
const pair = (name, value) => quoted(`ParameterKey=${name},ParameterValue="${value.replaceAll('"', '\\"')}"`);
const words = {
  aws: (name, value) => (isPlain(value) ? `ParameterKey=${name},ParameterValue=${value}` : pair(name, value)),
  sam: (name, value) => (isPlain(value) ? `${name}=${value}` : pair(name, value)),
};
const options = { aws: "--parameters", sam: "--parameter-overrides" };

function written(form, parameters, hasMore) {
  return parameters
    .map(([name, value], at) => (at || hasMore ? " \\\n    " : ` \\\n  ${options[form]} `) + words[form](name, value))
    .join("");
}

// SAM does not read a backslash as the AWS CLI does, and a shell may act on a control character that is pasted.
const isInNoCommand = (value) => /[\\\p{Cc}]/u.test(value);

// Like Python's quote, which `make link` uses.
const inUrl = (value) =>
  encodeURIComponent(value).replace(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`);

// A figure whose text can be withdrawn and restored. The text that replaces it is no command.
function withdrawable(figure) {
  const pre = figure.querySelector("pre");
  const code = figure.querySelector("code");
  const whole = [...code.childNodes];
  const instead = document.createElement("p");
  instead.className = "withdrawn";
  instead.hidden = true;
  pre.after(instead);
  return {
    withdraw(why) {
      code.replaceChildren();
      pre.hidden = true;
      instead.textContent = why;
      instead.hidden = false;
    },
    restore() {
      code.replaceChildren(...whole);
      pre.hidden = false;
      instead.textContent = "";
      instead.hidden = true;
    },
  };
}

function follow(panel) {
  const form = panel.querySelector("[data-parameters]");
  if (!form) return;
  const rules = JSON.parse(form.dataset.rules);
  const problem = panel.querySelector(".problem");
  const sets = panel.querySelector("[data-sets]");
  const count = panel.querySelector("[data-count]");
  const launches = panel.querySelectorAll("[data-launch]");
  // Not there before a release: then the page has no link.
  const text = panel.querySelector("[data-link]");
  const slots = [...panel.querySelectorAll("[data-slot]")];
  const controls = [...form.querySelectorAll("[data-default]")];
  const withdrawableFigure = (one) => withdrawable(one.closest(".command"));
  const [links, commands] = [text ? [text] : [], slots].map((all) => all.map(withdrawableFigure));
  const base = text?.textContent;
  const withDefaults = sets.textContent;
  const allDefault = count.textContent;

  function mark(control, isWrong) {
    if (isWrong) control.setAttribute("aria-invalid", "true");
    else control.removeAttribute("aria-invalid");
    control.setAttribute("aria-describedby", `${control.id}-about${isWrong ? ` ${problem.id}` : ""}`);
  }

  function write() {
    const { parameters, wrong } = chosen(form);
    const together = wrong.length ? [] : forbidden(rules, parameters);
    const named = new Set(together.flatMap(({ names }) => names));
    for (const control of controls) {
      const isChanged = control.value !== control.dataset.default;
      control.closest(".parameter").classList.toggle("changed", isChanged);
      // A message names parameters with their defaults too. Only a changed one can be corrected here.
      mark(control, wrong.includes(control) || (isChanged && named.has(control.name)));
    }
    count.textContent = parameters.length ? `${parameters.length} changed` : allDefault;
    const problems = [...wrong.map((control) => control.dataset.problem), ...new Set(together.map(({ message }) => message))];
    // A link or a command without what the screen shows would be worse than none.
    if (problems.length) {
      for (const launch of launches) {
        launch.removeAttribute("href");
        launch.setAttribute("aria-disabled", "true");
        launch.setAttribute("role", "link");
      }
      problem.textContent = problems.join(" ");
      sets.textContent = "";
      for (const figure of [...links, ...commands]) figure.withdraw(problem.textContent);
      return;
    }
    for (const figure of [...links, ...commands]) figure.restore();
    if (text) {
      text.textContent = base + parameters.map(([name, value]) => `&param_${name}=${inUrl(value)}`).join("");
      for (const launch of launches) {
        launch.href = text.textContent;
        launch.removeAttribute("aria-disabled");
        launch.removeAttribute("role");
      }
    }
    problem.textContent = "";
    sets.textContent = parameters.length
      ? `Changed settings: ${parameters.map(([name, value]) => `${name} = ${value || "blank"}`).join("; ")}.`
      : withDefaults;
    for (const slot of slots) slot.textContent = written(slot.dataset.slot, parameters, "more" in slot.dataset);
    const inNone = controls.filter((control) => isInNoCommand(control.value)).map((control) => control.dataset.label);
    if (inNone.length) {
      const why = `${inNone.join(", ")}: a command cannot hold a backslash or a control character. Enter this value in the console.`;
      for (const figure of commands) figure.withdraw(why);
    }
  }

  for (const only of form.querySelectorAll(".control, .again")) only.hidden = false;
  form.addEventListener("input", write);
  form.addEventListener("submit", (event) => event.preventDefault());
  // The browser resets the values after this event.
  form.addEventListener("reset", () => setTimeout(write));
  write();
}

function copyButton(figure) {
  const caption = figure.querySelector("figcaption");
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Copy";
  button.setAttribute("aria-label", `Copy: ${caption.textContent}`);
  const said = document.createElement("span");
  said.className = "said";
  said.setAttribute("role", "status");
  let silence;
  function say(what, forSeconds) {
    clearTimeout(silence);
    said.textContent = what;
    silence = setTimeout(() => (said.textContent = ""), forSeconds * 1000);
  }
  button.addEventListener("click", async () => {
    const code = figure.querySelector("code");
    if (!code.textContent) return say("Nothing to copy: correct the settings first", 6);
    try {
      await navigator.clipboard.writeText(code.textContent);
      say("Copied", 2);
    } catch {
      // Not allowed: the text is selected, and you copy it yourself.
      getSelection().selectAllChildren(code);
      say("Selected", 2);
    }
  });
  caption.append(said, button);
}

document.documentElement.classList.add("live");
choose.hidden = false;
choose.addEventListener("change", () => show(choose.elements.choice.value));
choose.addEventListener("submit", (event) => event.preventDefault());

// A link to a choice, or to something in it or in details, opens it.
function opened() {
  const target = location.hash && document.getElementById(location.hash.slice(1));
  const choice = target?.closest?.("[data-choice]")?.dataset.choice;
  const radio = [...choose.elements.choice].find((one) => one.value === choice);
  if (radio) radio.checked = true;
  show(choose.elements.choice.value);
  for (let one = target?.closest?.("details"); one; one = one.parentElement.closest("details")) one.open = true;
  if (target) target.scrollIntoView();
}
addEventListener("hashchange", opened);
opened();

for (const panel of document.querySelectorAll(".choice")) follow(panel);
for (const figure of document.querySelectorAll(".command")) copyButton(figure);

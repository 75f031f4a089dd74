// Without this script the page reads completely and its links work: with every default, and all choices below each other.
// It shows one choice at a time, and writes what is chosen into the link and the commands. It asks and keeps nothing.
"use strict";

const choose = document.getElementById("choose");
const ofAChoice = document.querySelectorAll("[data-choice]");

function show(id) {
  for (const part of ofAChoice) part.hidden = part.dataset.choice !== id;
}

// A number as CloudFormation reads one: a browser also takes 1e4 and 007. A text by the template's own pattern.
function isRight(control) {
  const pattern = control.type === "number" ? "^(0|[1-9][0-9]*)$" : control.dataset.pattern;
  return control.checkValidity() && (!pattern || new RegExp(pattern).test(control.value));
}

// What differs from the defaults, and every control that is wrong by itself.
function chosen(form) {
  const controls = [...form.querySelectorAll("[data-default]")];
  const wrong = controls.filter((control) => !isRight(control));
  const parameters = controls
    .filter((control) => control.value !== control.dataset.default)
    .map((control) => [control.name, control.value]);
  return { parameters, wrong };
}

// The value of an expression of a template's rule, as orchestera_release.rules has it: `known` holds a text or a list
// for each name. What is not known is undefined, and so is what depends on it. The page is not built with any other
// function.
function judge(node, known) {
  if (typeof node === "string") return node;
  if (Array.isArray(node)) return ifKnown(node.map((one) => judge(one, known)), (all) => all);
  const [[name, argument]] = Object.entries(node);
  if (name === "Ref") return known[argument];
  const all = argument.map((one) => judge(one, known));
  switch (name) {
    // One that decides is enough, whatever the others are.
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

// What the template's rules forbid together: a message for each, and the names that it is about.
function forbidden({ known, rules }, parameters) {
  const isList = (name) => Array.isArray(known[name]);
  const chosen = parameters.map(([name, value]) => [name, isList(name) ? value.split(",").map((one) => one.trim()) : value]);
  const values = { ...known, ...Object.fromEntries(chosen) };
  const applied = rules.filter(({ condition }) => !condition || judge(condition, values) === true);
  return applied.flatMap(({ condition, assertions }) =>
    assertions
      .filter(({ holds }) => judge(holds, values) === false)
      .map(({ holds, message }) => ({ message, names: [...namesIn([condition ?? "", holds])] })),
  );
}

// No value holds what a shell reads as its own: the page is not built otherwise. The AWS CLI takes a comma for its own.
const forAws = (name, value) =>
  value.includes(",") ? `"ParameterKey=${name},ParameterValue='${value}'"` : `ParameterKey=${name},ParameterValue=${value}`;
const written = {
  aws: (parameters, hasMore) =>
    parameters
      .map(([name, value], at) => {
        const before = at || hasMore ? " \\\n    " : " \\\n  --parameters ";
        return before + forAws(name, value);
      })
      .join(""),
  sam: (parameters, hasMore) =>
    parameters
      .map(([name, value], at) => (at || hasMore ? " \\\n    " : " \\\n  --parameter-overrides ") + `${name}=${value}`)
      .join(""),
};

// A figure whose text can be taken away, and put back as it was. What is there instead is no command.
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
  const rules = JSON.parse(form.dataset.rules);
  const problem = panel.querySelector(".problem");
  const sets = panel.querySelector("[data-sets]");
  const launches = panel.querySelectorAll("[data-launch]");
  const text = panel.querySelector("[data-link]");
  const slots = [...panel.querySelectorAll("[data-slot]")];
  const controls = [...form.querySelectorAll("[data-default]")];
  const figures = [text, ...slots].map((one) => withdrawable(one.closest(".command")));
  const base = text.textContent;
  const withDefaults = sets.textContent;

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
      // Of those that a message names, whoever reads it can only put back what was changed.
      mark(control, wrong.includes(control) || (isChanged && named.has(control.name)));
    }
    const problems = [...wrong.map((control) => control.dataset.problem), ...new Set(together.map(({ message }) => message))];
    // A link or a command that leaves out what is on the screen would be worse than none.
    if (problems.length) {
      for (const launch of launches) {
        launch.removeAttribute("href");
        launch.setAttribute("aria-disabled", "true");
        launch.setAttribute("role", "link");
      }
      problem.textContent = problems.join(" ");
      sets.textContent = "";
      for (const figure of figures) figure.withdraw(problem.textContent);
      return;
    }
    for (const figure of figures) figure.restore();
    const link = base + parameters.map(([name, value]) => `&param_${name}=${encodeURIComponent(value)}`).join("");
    for (const launch of launches) {
      launch.href = link;
      launch.removeAttribute("aria-disabled");
      launch.removeAttribute("role");
    }
    text.textContent = link;
    problem.textContent = "";
    sets.textContent = parameters.length
      ? `Sets ${parameters.map(([name, value]) => `${name} to ${value}`).join(", ")}. The rest has its default.`
      : withDefaults;
    for (const slot of slots) slot.textContent = written[slot.dataset.slot](parameters, "more" in slot.dataset);
  }

  for (const only of form.querySelectorAll(".control, .again")) only.hidden = false;
  form.addEventListener("input", write);
  form.addEventListener("submit", (event) => event.preventDefault());
  // The values are put back after this event.
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
    if (!code.textContent) return say("Nothing to copy: correct the parameters first", 6);
    try {
      await navigator.clipboard.writeText(code.textContent);
      say("Copied", 2);
    } catch {
      // Not allowed: the text is marked, to be copied by hand.
      getSelection().selectAllChildren(code);
      say("Marked", 2);
    }
  });
  caption.append(said, button);
}

document.documentElement.classList.add("live");
choose.hidden = false;
choose.addEventListener("change", () => show(choose.elements.choice.value));
choose.addEventListener("submit", (event) => event.preventDefault());

// A link to one of the choices opens it.
function opened() {
  const radio = [...choose.elements.choice].find((one) => one.value === location.hash.slice(1));
  if (radio) radio.checked = true;
  show(choose.elements.choice.value);
  if (radio) document.getElementById(radio.value).scrollIntoView();
}
addEventListener("hashchange", opened);
opened();

for (const panel of document.querySelectorAll(".choice")) follow(panel);
for (const figure of document.querySelectorAll(".command")) copyButton(figure);

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

// What differs from the defaults, or the first control that is wrong.
function chosen(form) {
  const parameters = [];
  for (const control of form.querySelectorAll("[data-default]")) {
    if (!isRight(control)) return { wrong: control };
    if (control.value !== control.dataset.default) parameters.push([control.name, control.value]);
  }
  return { parameters };
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

function follow(panel) {
  const form = panel.querySelector("[data-parameters]");
  const problem = panel.querySelector(".problem");
  const sets = panel.querySelector("[data-sets]");
  const launches = panel.querySelectorAll("[data-launch]");
  const text = panel.querySelector("[data-link]");
  const base = text.textContent;
  const withDefaults = sets.textContent;

  function write() {
    const { parameters, wrong } = chosen(form);
    for (const control of form.querySelectorAll("[data-default]")) {
      control.removeAttribute("aria-invalid");
      control.closest(".parameter").classList.toggle("changed", control.value !== control.dataset.default);
    }
    // A link that leaves out what is on the screen would be worse than none.
    if (wrong) {
      for (const launch of launches) {
        launch.removeAttribute("href");
        launch.setAttribute("aria-disabled", "true");
        launch.setAttribute("role", "link");
      }
      wrong.setAttribute("aria-invalid", "true");
      problem.textContent = wrong.dataset.problem;
      sets.textContent = "";
      text.textContent = "";
      for (const slot of panel.querySelectorAll("[data-slot]")) slot.textContent = ` # ${problem.textContent}`;
      return;
    }
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
    for (const slot of panel.querySelectorAll("[data-slot]")) {
      slot.textContent = written[slot.dataset.slot](parameters, "more" in slot.dataset);
    }
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
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(figure.querySelector("code").textContent);
      said.textContent = "Copied";
    } catch {
      // Not allowed: the text is marked, to be copied by hand.
      getSelection().selectAllChildren(figure.querySelector("code"));
      said.textContent = "Marked";
    }
    setTimeout(() => (said.textContent = ""), 2000);
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

// Runs once in each gr.HTML of the page, which hands in element, trigger and watch.
let exchanges = 0;
let held, heldIn, told, wish;

// What a button does, by its data attribute.
const actions = {
  question: (button) => trigger("click", { question: button.dataset.question }),
  // What is read here has an address only the browser knows whole.
  copy: (button) => copy(button.dataset.copy.replaceAll("· /read/", `· ${location.origin}/read/`), button),
  link: (button) => copy(new URL(button.dataset.link, location.origin).href, button),
  rephrase: (button) => write(button.dataset.rephrase),
  anywhere: (button) => {
    trigger("clear");
    write(button.dataset.anywhere);
  },
  rate: rate,
  cancel: (button) => close(button.form),
  source: (button) => {
    trigger("select", { source: button.dataset.source, title: button.dataset.title });
    box().focus();
  },
  drop: drop,
  save: (button) => {
    trigger("download", { form: button.dataset.save });
    shut(button.closest("details"));
  },
  print: (button) => {
    shut(button.closest("details"));
    print();
  },
};

element.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  const action = button && Object.keys(button.dataset).find((name) => name in actions);
  if (action) return actions[action](button);
  const link = event.target.closest('a[href^="#"]');
  if (link) follow(link, event);
});

element.addEventListener("change", (event) => {
  if (event.target.matches('[name="language"]')) speak(event.target);
  const form = event.target.closest("form.sheet");
  if (form) restrict(form);
});

element.addEventListener("submit", (event) => {
  event.preventDefault();
  const sent = Object.fromEntries(new FormData(event.target));
  const { reason = null, comment = "", document = null } = sent;
  trigger("submit", { exchange: event.target.dataset.exchange, rating: "down", reason, comment, document });
});

// A menu closes on Escape and when something else is clicked; a meaning on Escape.
element.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  hide();
  const menu = event.target.closest("details[open]");
  if (menu) shut(menu);
});

function shut(menu) {
  menu.open = false;
  menu.querySelector("summary").focus();
}

document.addEventListener("click", (event) => {
  for (const menu of element.querySelectorAll("details[open]")) if (!menu.contains(event.target)) menu.open = false;
});

for (const start of ["pointerover", "focusin"]) {
  element.addEventListener(start, (event) => {
    const term = event.target.closest(".term");
    if (term) show(term);
    else if (!event.target.closest(".meaning")) hide();
  });
}
for (const end of ["pointerleave", "focusout"]) element.addEventListener(end, hide);

// By keyboard a visitor comes past other languages.
function speak(languages) {
  clearTimeout(wish);
  wish = setTimeout(() => trigger("select", { language: languages.value }), 250);
}

function follow(link, event) {
  // The page has a <base>, so beside a ?q= a bare fragment would load the page again.
  event.preventDefault();
  location.hash = link.getAttribute("href");
  const place = document.getElementById(location.hash.slice(1));
  if (!place) return;
  place.focus({ preventScroll: true });
  for (const animation of place.getAnimations()) {
    animation.cancel();
    animation.play();
  }
}

async function copy(text, button) {
  const label = (button.dataset.label ??= button.textContent);
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Without https a browser has no clipboard for pages.
    const area = Object.assign(document.createElement("textarea"), { value: text });
    button.after(area);
    area.select();
    document.execCommand("copy");
    area.remove();
    button.focus();
  }
  button.textContent = button.dataset.done;
  tell([button]);
  setTimeout(() => (button.textContent = label), 2000);
}

function box() {
  return document.querySelector("#question textarea");
}

function write(text) {
  box().value = text;
  box().dispatchEvent(new Event("input", { bubbles: true }));
  box().focus();
}

function rate(button) {
  const form = document.getElementById(button.getAttribute("aria-controls"));
  if (!form) return trigger("submit", { exchange: button.dataset.exchange, rating: "up", reason: null, comment: "", document: null });
  form.hidden = !form.hidden;
  button.setAttribute("aria-expanded", String(!form.hidden));
  if (form.hidden) return;
  form.querySelector("input").focus({ preventScroll: true });
  form.scrollIntoView({ block: "nearest" });
}

function close(form) {
  form.hidden = true;
  const opener = element.querySelector(`[aria-controls="${form.id}"]`);
  opener.setAttribute("aria-expanded", "false");
  opener.focus();
}

function restrict(form) {
  const kinds = [...form.querySelectorAll('[name="kind"]:checked')].map((kind) => kind.value);
  form.dataset.choice = performance.now();
  trigger("input", { kinds, as_of: form.elements.as_of.value, choice: form.dataset.choice });
}

function drop(button) {
  const [what, value] = button.dataset.drop.split(":");
  const choices = document.querySelector("#options form");
  if (what === "source") trigger("clear");
  else if (what === "as_of") choices.elements.as_of.value = "";
  else choices.querySelector(`[name="kind"][value="${CSS.escape(value)}"]`).checked = false;
  // What is triggered here would come from the restrictions; the choices listen for themselves.
  if (what !== "source") choices.elements.as_of.dispatchEvent(new Event("change", { bubbles: true }));
  box().focus();
}

// The choices are those that the restrictions above the box tell, also after these were lifted all at once.
function mirror() {
  const buttons = [...element.querySelectorAll('[data-drop]:not([data-drop="source"])')];
  const told = buttons.map((button) => button.dataset.drop);
  const choices = document.querySelector("#options form");
  if (!choices) return;
  const answered = element.querySelector("[data-choice]")?.dataset.choice;
  // Two choices in quick succession can be answered in either order: the last one made counts.
  if (Number(answered) < Number(choices.dataset.choice)) return;
  for (const kind of choices.querySelectorAll('[name="kind"]')) kind.checked = told.includes(`kind:${kind.value}`);
  const day = told.find((drop) => drop.startsWith("as_of:")) ?? "";
  choices.elements.as_of.value = day.slice("as_of:".length);
}

function show(term) {
  hide();
  const meaning = document.getElementById(term.getAttribute("aria-describedby"));
  const at = term.getBoundingClientRect();
  meaning.classList.add("shown");
  const left = Math.min(at.left, innerWidth - meaning.offsetWidth - 12);
  const above = at.top - meaning.offsetHeight;
  meaning.style.left = `${Math.max(12, left)}px`;
  meaning.style.top = `${above > 8 ? above : at.bottom}px`;
}

function hide() {
  for (const meaning of element.querySelectorAll(".meaning.shown")) meaning.classList.remove("shown");
}

// Focus does not get lost with a button that goes away.
element.addEventListener("focusin", (event) => {
  held = event.target;
  heldIn = held.closest(".exchange");
});
document.addEventListener("click", (event) => {
  if (!event.detail && event.target.closest("#ask, #stop, #new")) box().focus();
});

function holdFocus() {
  if (!held || held.isConnected || document.activeElement !== document.body) return;
  const next = heldIn?.isConnected ? heldIn.querySelector("h2") : box();
  next.focus({ preventScroll: true });
}

// The conversation is drawn anew with every sentence, so it is no live region itself. This one is: a screen reader hears
// each new sentence once, and at the end how many sources there are.
const ear = document.getElementById("told") ?? document.body.appendChild(document.createElement("div"));
Object.assign(ear, { id: "told", className: "unseen", role: "status" });
const SENTENCES = ".progress, .label, p.notice, ul.notice > li, :is(.quote, .generated) > span, :is(.quote, .generated) > li > span";

function announce(exchange) {
  const running = exchange.matches(".running");
  if (running && !exchange.querySelector(".answer")) told = new Set();
  if (!told) return;
  const parts = [...exchange.querySelectorAll(running ? SENTENCES : `${SENTENCES}, .to-sources`)];
  tell(parts.filter((part) => !told.has(part.textContent)));
  for (const part of parts) told.add(part.textContent);
}

function tell(parts) {
  const copy = (part) =>
    Object.assign(document.createElement("p"), { lang: part.closest("[lang]").lang, textContent: part.textContent });
  if (parts.length) ear.replaceChildren(...parts.map(copy));
}

function settle() {
  const top = element.querySelector("[data-language]");
  if (top) document.documentElement.lang = top.dataset.language;
  if (element.closest("#chips")) mirror();
  const file = element.querySelector("[data-file]");
  if (file) download(file);
  const all = element.querySelectorAll(".exchange");
  if (all.length > exchanges) {
    const newest = all[all.length - 1];
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    newest.scrollIntoView({ block: "start", behavior: calm ? "auto" : "smooth" });
    if (document.activeElement === document.body) newest.querySelector("h2").focus({ preventScroll: true });
  }
  exchanges = all.length;
  // Another language in the midst of an answer would be undone by its next sentence.
  const languages = document.querySelector("#header select");
  if (element.closest("#talk") && languages) languages.disabled = Boolean(element.querySelector(".exchange.running"));
  holdFocus();
  if (exchanges) announce(all[exchanges - 1]);
}

function download(file) {
  const bytes = Uint8Array.from(atob(file.dataset.content), (char) => char.charCodeAt(0));
  const address = URL.createObjectURL(new Blob([bytes], { type: file.dataset.media }));
  Object.assign(document.createElement("a"), { href: address, download: file.dataset.file }).click();
  setTimeout(() => URL.revokeObjectURL(address), 40000); // some browsers read it late
  file.remove();
}

watch("value", settle);
settle();

// A phone would bring up its keyboard over the examples. The box is not there yet when this runs.
function begin(tries) {
  if (box()) box().focus({ preventScroll: true });
  else if (tries > 0) requestAnimationFrame(() => begin(tries - 1));
}
if (element.closest("#sources") && matchMedia("(pointer: fine)").matches) begin(120);

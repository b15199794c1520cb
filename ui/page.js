// Runs once in each gr.HTML of the page, which hands in element, trigger and watch.
let exchanges = 0;

element.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-question]");
  if (button) return trigger("click", { question: button.dataset.question });
  const link = event.target.closest('a[href^="#"]');
  if (!link) return;
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
});

element.addEventListener("change", (event) => {
  if (event.target.matches("select")) trigger("select", { language: event.target.value });
});

function settle() {
  const top = element.querySelector("[data-language]");
  if (top) document.documentElement.lang = top.dataset.language;
  const all = element.querySelectorAll(".exchange");
  if (all.length > exchanges) {
    const newest = all[all.length - 1];
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    newest.scrollIntoView({ block: "start", behavior: calm ? "auto" : "smooth" });
    if (document.activeElement === document.body) newest.querySelector("h2").focus({ preventScroll: true });
  }
  exchanges = all.length;
}

watch("value", settle);
settle();

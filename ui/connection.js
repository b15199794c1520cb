// Keeps the page alive while its server or the network is away. Gradio by itself would show an error, load the page anew and
// forget the conversation. So it never hears of it: this script stands between Gradio and fetch, answers in the place of a
// server that is away, and hands the conversation back to one that is there again. Loaded with the head of the page.
const connection = (() => {
  const AGAIN = 2000, SLOW = 4000, PATIENCE = 10000, LONGER = 30000, CALM = 4000, REMIND = 30 * 60000;
  const reach = window.fetch.bind(window);
  const pause = (time) => new Promise((done) => setTimeout(done, time));
  const beside = (path) => reach(new URL(path, document.baseURI), { cache: "no-store", signal: AbortSignal.timeout(PATIENCE) });
  let element, trigger, shape, recovery, handing, received;
  let handed = taken();
  let said = "", streams = 0, reminded = Date.now(), waiting = 0;

  function say(name) {
    said = name;
    const place = element?.querySelector("p");
    const sentence = place?.dataset[name] ?? "";
    if (place && place.textContent !== sentence) place.textContent = sentence;
  }

  async function sayAWhile(name) {
    say(name);
    await pause(CALM);
    if (said === name) say("");
  }

  const answers = (response) => response.ok || response.status === 401; // a session has ended: then the page asks for a key

  // Until the page is served again: the server also listens while it still prepares its documents.
  async function returned() {
    await pause(500);
    while (!navigator.onLine || !(await beside("gradio_api/app_id").then(answers, () => false))) {
      if (said !== "unsent") say("lost");
      await pause(AGAIN);
    }
  }

  function recover() {
    recovery ??= returned().then(resume);
    return recovery;
  }

  async function resume() {
    const renewed = (await currentShape()) !== shape;
    recovery = undefined;
    if (renewed) return renew();
    if (said === "lost" || said === "unsent") sayAWhile("back");
    if (!streams) remind();
  }

  // A new release may have other components: then only a new page will do.
  const shapeOf = (config) =>
    JSON.stringify([config.components.map((c) => [c.id, c.type]), config.dependencies.map((d) => [d.id, d.targets, d.inputs])]);
  const currentShape = () => beside("config").then((response) => response.json()).then(shapeOf).catch(() => shape);

  // What the server may have forgotten, the page still knows. Until it is handed back a question waits: it would begin a new
  // conversation.
  const kept = () => document.querySelector("#kept textarea")?.value ?? "";
  function remind(conversation = kept()) {
    reminded = Date.now();
    if (!trigger) return;
    handing = new Promise((done) => (received = done));
    trigger("submit", { conversation, language: document.documentElement.lang });
  }

  function arrived() {
    received?.(true);
    handing = undefined;
    if (said === "unsent" && !recovery) sayAWhile("back");
  }

  // Between this page and the new one the tab's own storage holds what is on it, and nothing afterwards.
  function renew() {
    try {
      sessionStorage.setItem("handed", JSON.stringify({ conversation: kept(), question: box().value }));
    } catch {} // a browser may keep nothing for sites
    history.replaceState(null, "", location.pathname);
    location.reload();
  }

  function taken() {
    try {
      const text = sessionStorage.getItem("handed");
      sessionStorage.removeItem("handed");
      return JSON.parse(text);
    } catch {
      return null;
    }
  }

  function handOver() {
    const { conversation, question } = handed;
    handed = null;
    if (!box().value) write(question);
    remind(conversation);
  }

  const box = () => document.querySelector("#question textarea");
  function write(question) {
    box().value = question;
    box().dispatchEvent(new Event("input", { bubbles: true }));
  }

  // In the place of an answer. Gradio takes it for an ordinary error of one event.
  const refusal = () => new Response("{}", { status: 503, headers: { "Content-Type": "application/json" } });

  const told = (init) => JSON.parse(init?.body ?? "{}").event_data ?? {};

  function keep(init) {
    const clicked = told(init).question;
    if (clicked && !box().value) write(clicked);
  }

  function unsent(init) {
    keep(init);
    say(box().value ? "unsent" : "lost");
    return refusal();
  }

  async function send(input, init) {
    const handsBack = told(init).conversation !== undefined;
    if (handing && !handsBack && !(await Promise.race([handing, pause(LONGER)]))) return unsent(init);
    if (recovery) return unsent(init);
    try {
      // A conversation is long, and its server has just begun.
      const response = await reach(input, { ...init, signal: AbortSignal.timeout(handsBack ? LONGER : PATIENCE) });
      if (response.status === 401 && performance.now() > PATIENCE) renew(); // not again and again
      if (response.status === 429) {
        keep(init);
        say("busy");
      }
      const away = [502, 503, 504].includes(response.status);
      if (handsBack && !response.ok && !away) arrived(); // then it begins a new one after all
      if (!away) return response;
    } catch {}
    recover();
    received?.(false);
    return unsent(init);
  }

  async function eachPiece(response, use) {
    const reader = response.body.getReader();
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) use(piece.value);
  }

  // A request that ends only when the server does: the first sign of a restart.
  async function watch() {
    for (;;) {
      const endless = new URL(`gradio_api/heartbeat/watch-${Math.random()}`, document.baseURI);
      await reach(endless).then((response) => eachPiece(response, () => {})).catch(() => {});
      await recover();
    }
  }

  const ENDED = ["unexpected_error", "close_stream"].map((msg) => `data: {"msg": "${msg}"}\n\n`).join("");

  // The events of running answers; where they break off, Gradio is told that they ended.
  const passed = (request) =>
    new Response(new ReadableStream({ start: (controller) => void pass(request, controller) }), {
      headers: { "Content-Type": "text/event-stream" },
    });

  async function pass(request, controller) {
    const text = new TextDecoder();
    let whole = false;
    streams += 1;
    try {
      await eachPiece(await reach(request), (piece) => {
        whole ||= text.decode(piece).includes('"close_stream"');
        controller.enqueue(piece);
      });
    } catch {}
    streams -= 1;
    if (!streams) arrived();
    if (handed && !streams) handOver();
    if (request.signal.aborted) return;
    if (!whole) {
      recover();
      controller.enqueue(new TextEncoder().encode(ENDED));
    }
    controller.close();
  }

  window.fetch = async (input, init) => {
    const { pathname } = new URL(input.url ?? input, document.baseURI);
    if (pathname.endsWith("/gradio_api/queue/data")) return passed(input);
    return pathname.includes("/gradio_api/") && init?.method === "POST" ? send(input, init) : reach(input, init);
  };

  function look() {
    for (const toast of document.querySelectorAll(".toast-body.error:not([data-seen])")) {
      toast.dataset.seen = "";
      if (!recovery && !["unsent", "busy"].includes(said)) say("failed");
    }
    const running = document.querySelector(".exchange.running");
    waiting = running && !running.querySelector(".answer") ? waiting || Date.now() : 0;
    if (recovery) return;
    if (waiting && Date.now() - waiting > SLOW) say("slow");
    else if (said === "slow" || (["failed", "busy"].includes(said) && running)) say("");
    if (Date.now() - reminded > REMIND && !streams) remind();
  }

  addEventListener("offline", recover);
  setInterval(look, 500);

  return {
    // From the gr.HTML that shows the sentences; again whenever Gradio makes it anew.
    show(place, tell) {
      element = place;
      trigger = tell;
      if (!shape) watch();
      shape ??= shapeOf(window.gradio_config);
      say(said);
    },
    again: () => say(said),
  };
})();

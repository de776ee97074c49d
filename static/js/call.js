// The verification call. Without this script the page works row by row; with it, each group is sent as it is typed, and the two
// browsers stay in step. The expected value never comes here: the server answers yes or no.
"use strict";
(() => {
  const $ = (selector, root = document) => root.querySelector(selector);
  const here = $("[data-call]");
  if (!here) return;
  const verifier = here.dataset.side === "verifier";
  const say = (text) => { const line = $("[data-status]"); if (line && text && line.textContent !== text) line.textContent = text; };

  // --- In step with the other browser: a poll each second while somebody looks, every 5 seconds otherwise. ---
  const [state, step] = here.dataset.marker.split("/");
  let marker = here.dataset.marker;
  let sending = false;

  const follow = (now) => {
    const group = $("[data-group]"), progress = $("[data-progress]");
    if (group && now.group) group.textContent = now.group;
    if (progress) progress.value = now.matched;
    if (now.marker === marker) return verifier && step === "type" ? undefined : say(now.status);
    // The verifier may be typing the code: that they joined is only said. Everything else draws the page anew.
    if (verifier && step === "code" && now.step === step && now.state === state) {
      marker = now.marker;
      return say(now.status);
    }
    return location.reload();
  };
  const poll = async () => {
    try {
      const answer = await fetch(here.dataset.call, { redirect: "error" });
      if (answer.ok && !sending) follow(await answer.json());
    } catch { /* The line is bad or the session has ended; the next act says so. */ }
    setTimeout(poll, document.hidden ? 5000 : 1000);
  };
  setTimeout(poll, 1000);

  // --- A code sends itself when it is complete. ---
  const auto = $("[data-autosend]");
  auto?.addEventListener("input", (event) => {
    if (event.target.value.replace(/\D/g, "").length === Number(auto.dataset.autosend)) auto.requestSubmit($("button", auto));
  });
  $("[data-focus-first] input[type=radio]")?.focus();

  // --- Typing groups. ---
  const form = $("[data-groups]");
  if (!form) return;
  const words = "words" in form.dataset;
  const token = $("[name=csrfmiddlewaretoken]", form).value;
  const note = $("[data-note]"), echo = $("[data-echo]");
  const pasted = new Set();
  $("[data-without-script]", form).hidden = true;

  const box = (index) => $(`[data-box="${index}"]`, form);
  const field = (index) => $("input", box(index));
  const open = () => [...form.querySelectorAll("[data-box] input")];
  const mark = (index, kind, word) => {
    box(index).className = kind;
    $(".lb", box(index)).textContent = word;
  };

  const settle = (index, typed) => {
    const output = document.createElement("output");
    output.textContent = typed;
    field(index).replaceWith(output);
    const label = $("label", box(index)), plain = document.createElement("span");
    plain.className = "gn";
    plain.append(...label.childNodes);
    label.replaceWith(plain);
    mark(index, "m", " matches");
  };

  const differs = (index, html) => {
    mark(index, "x", " no match");
    note.innerHTML = html;
    const input = field(index);
    input.setAttribute("aria-invalid", "true");
    input.setAttribute("aria-describedby", `hearing-${index}`);
    input.focus();
    input.select();
  };

  const goTo = (index) => {
    for (const input of open()) input.disabled = Math.floor((input.name.slice(1) - 1) / 4) !== Math.floor((index - 1) / 4);
    field(index).focus();
  };

  const send = async (index) => {
    const input = field(index), typed = input.value;
    if (sending || !typed.trim()) return;
    sending = true;
    input.readOnly = true;
    try {
      const body = new URLSearchParams({ csrfmiddlewaretoken: token, index, typed, pasted: pasted.has(index) ? "1" : "" });
      const answer = await fetch(form.dataset.groups, { method: "POST", body, redirect: "manual" });
      // The session has ended: the page leads to the sign-in, which leads back to where the call is.
      if (answer.type === "opaqueredirect" || answer.status === 403) return location.reload();
      const result = await answer.json();
      input.readOnly = false;
      if (!answer.ok) return refused(input, result);
      if (result.go) return location.assign(result.go);
      say(result.status);
      $("[data-count]").textContent = result.matched;
      $("[data-mismatches]").textContent = result.mismatches;
      $("[data-say]").textContent = result.say;
      if (result.verdict === "match") {
        note.replaceChildren();
        settle(index, result.typed);
        goTo(result.next);
      } else differs(index, result.note);
    } catch {
      input.readOnly = false;
      input.focus();
      warn("The portal did not answer. Press Enter to send the group again.");
    } finally { sending = false; }
  };

  // The state moved on (paused, stopped, withdrawn): draw the page anew. Input that is no group is said at once.
  const refused = (input, problem) => {
    if (problem.status === 409) return location.reload();
    warn(`${problem.detail} ${problem.fix ?? ""}`);
    input.select();
  };
  const warn = (sentence) => {
    const line = document.createElement("p");
    line.className = "note warn thin";
    line.textContent = sentence;
    note.replaceChildren(line);
  };

  const index = (input) => Number(input.name.slice(1));
  const spoken = { 0: "Zero", 1: "One", 2: "Two", 3: "Three", 4: "Four", 5: "Five", 6: "Six", 7: "Seven", 8: "Eight", 9: "Niner",
    A: "Alfa", B: "Bravo", C: "Charlie", D: "Delta", E: "Echo", F: "Foxtrot" };

  form.addEventListener("paste", (event) => { if (event.target.name) pasted.add(index(event.target)); });
  form.addEventListener("input", (event) => {
    const typed = event.target.value.toUpperCase().replace(/[^0-9A-F]/g, "");
    echo.replaceChildren(...(words ? [] : [...typed].map((letter) => {
      const part = document.createElement("span");
      part.textContent = spoken[letter];
      return part;
    })));
    if (!words && typed.length === 4) send(index(event.target));
  });
  form.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.target.matches("input[name^=g]")) {
      event.preventDefault();
      send(index(event.target));
    }
    // Backspace in an empty group goes back to the last one that is still open.
    if (event.key === "Backspace" && !event.target.value) {
      const before = open().filter((input) => !input.disabled && index(input) < index(event.target)).pop();
      if (before) { event.preventDefault(); before.focus(); before.select(); }
    }
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  if (!words) for (const input of open()) if (input.getAttribute("aria-invalid")) input.select();
})();

// Everything here is a convenience: each page works without it. No inline handlers, no eval, no outside address.
"use strict";
(() => {
  const $ = (selector, root = document) => root.querySelector(selector);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const body = document.body;

  // A button that needs the script is hidden until the script is here.
  const reveal = (root) => {
    for (const part of all("[data-copy], [data-copy-from], [data-shortcut-help], [data-needs-script]", root)) part.hidden = false;
  };

  // --- Copying: <button data-copy="text"> or data-copy-from="id". The word changes, so that it is heard as well as seen. ---
  const copy = async (button) => {
    const source = button.dataset.copyFrom && document.getElementById(button.dataset.copyFrom);
    await navigator.clipboard.writeText(source ? source.value ?? source.textContent : button.dataset.copy);
    const label = $("span", button) ?? button;
    const before = (button.dataset.label ??= label.textContent);
    label.textContent = "Copied";
    label.setAttribute("role", "status");
    button.classList.add("copied");
    setTimeout(() => { label.textContent = before; button.classList.remove("copied"); }, 2500);
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-copy], [data-copy-from]");
    if (button) copy(button);
    if (event.target.closest("[data-shortcut-help]")) $("#shortcuts")?.showModal();
    if (event.target.closest("[data-print]")) window.print();
  });

  // --- Forms: a second press of the same button must not send twice; <button data-busy="Checking, about a second">. ---
  document.addEventListener("submit", (event) => {
    const button = event.submitter;
    if (event.defaultPrevented || !button || event.target.method === "dialog") return;
    if (button.getAttribute("aria-disabled") === "true") return event.preventDefault();
    button.setAttribute("aria-disabled", "true");
    if (button.dataset.busy) button.textContent = button.dataset.busy;
  });
  window.addEventListener("pageshow", () => {
    for (const button of all("button[aria-disabled=true]")) button.removeAttribute("aria-disabled");
  });

  // --- Telling that a page was opened: <form method="post" data-beacon>. Looking (GET) changes nothing by itself. ---
  for (const form of all("form[data-beacon]")) {
    fetch(form.action, { method: "POST", body: new FormData(form), redirect: "error" }).catch(() => {});
  }

  // --- Theme: <button data-theme-choice="dark">; the form around it saves the choice, this only shows it at once. ---
  for (const button of all("[data-theme-choice]")) {
    button.addEventListener("click", () => {
      const choice = button.dataset.themeChoice;
      if (choice === "system") delete document.documentElement.dataset.theme;
      else document.documentElement.dataset.theme = choice;
    });
  }

  // --- Polling: <div data-poll="/address/" data-poll-seconds="60"> gets its own contents again. It waits while the reader is
  // in it, and while nobody looks; a fragment may name the page's title in data-title (the deadline is there too). ---
  const poll = async (part) => {
    if (document.hidden || part.matches(":hover") || part.contains(document.activeElement)) return;
    const answer = await fetch(part.dataset.poll, { headers: { "X-Fragment": "1" }, redirect: "error" });
    if (answer.status !== 200) return;
    const fragment = document.createElement("template");
    fragment.innerHTML = await answer.text();
    const title = $("[data-title]", fragment.content)?.dataset.title;
    if (title) document.title = title;
    if (fragment.innerHTML.trim() === part.dataset.last) return;
    part.dataset.last = fragment.innerHTML.trim();
    part.replaceChildren(fragment.content);
    reveal(part);
  };
  for (const part of all("[data-poll]")) {
    setInterval(() => poll(part).catch(() => {}), 1000 * Math.max(5, Number(part.dataset.pollSeconds) || 60));
  }

  // --- Passkeys: say that we wait, and what else there is. allauth's own script does the ceremony and reports what went wrong. ---
  const passkey = (text) => { for (const part of all("[data-passkey-status]")) part.textContent = text; };
  for (const button of all("[data-passkey]")) {
    button.addEventListener("click", () => passkey("Waiting for your passkey… If it is not at hand, use another way."));
  }
  document.addEventListener("allauth.error", (event) => {
    event.preventDefault();
    passkey("That did not work. Try again, or use another way.");
  });

  // --- The end of the session is said five minutes before, and can be put off. Polling does not count as somebody being here. ---
  const seconds = Number(body.dataset.session);
  const warning = $("#session-warning");
  if (seconds > 300 && warning) {
    let timer;
    const start = () => {
      clearTimeout(timer);
      warning.hidden = true;
      timer = setTimeout(() => { warning.hidden = false; }, (seconds - 300) * 1000);
    };
    $("[data-stay]", warning).addEventListener("click", () => fetch("/", { method: "HEAD" }).then(start, () => {}));
    start();
  }

  reveal(document);

  // --- Keys. One switch in Profile turns them all off. ---
  if (body.dataset.shortcuts === "off") return;
  const go = { h: "Home", p: "Partnerships", t: "Trust stores", n: "Notices" };
  let pending = 0;

  const step = (by) => {
    const rows = all("main a.row, main [data-row] a").filter((row) => row.offsetParent);
    const at = rows.indexOf(document.activeElement);
    rows[Math.min(Math.max(at + by, 0), rows.length - 1)]?.focus();
  };
  const actions = {
    "/": () => { const field = $("input[data-key='/']"); if (field) field.focus(); else $("a[data-key='/']")?.click(); },
    "?": () => $("#shortcuts")?.showModal(),
    ".": () => $("[data-main]")?.click(),
    a: () => $("[data-acknowledge]")?.focus(), // It moves there and never presses: that stays a decision.
    j: () => step(1),
    k: () => step(-1),
    g: () => { pending = Date.now(); },
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select, [contenteditable], dialog")) return;
    if (event.key !== "g" && Date.now() - pending < 1500 && go[event.key]) {
      pending = 0;
      return $(`[data-go="${go[event.key]}"]`)?.click();
    }
    const action = actions[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  });
})();

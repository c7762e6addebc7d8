// The state of the notebook, live through the control socket.
"use strict";

// The address carried the token once; the cookie has it now.
if (location.search) history.replaceState(null, "", location.pathname + location.hash);

const POLL = 3000; // counts are asked for, everything else is told
const NOTICES = 5;
const KERNEL_TONES = { idle: "good", busy: "busy", starting: "busy", restarting: "busy", interrupting: "busy" };
const SAVING = { saved: ["saved", "good"], saving: ["saving …", "busy"], "not saved": ["not saved", "bad"] };
const kernel = {};
let delay = 500;

const element = (id) => document.getElementById(id);

function show(id, text, tone) {
  element(id).textContent = text;
  if (tone) element(id).dataset.tone = tone;
}

function connection(text, tone) {
  show("connection", text, tone || "busy");
}

function showKernel(news) {
  for (const key of ["status", "name", "reason"]) if (typeof news[key] === "string") kernel[key] = news[key];
  const status = kernel.status || "none";
  const words = status === "none" ? "not started" : status;
  const text = [kernel.name, words].filter(Boolean).join(" · ") + (kernel.reason ? ` (${kernel.reason})` : "");
  const tone = KERNEL_TONES[status] || (status === "none" ? "quiet" : "bad");
  show("kernel", text, tone);
}

function showSaving(saving) {
  const [words, tone] = SAVING[saving.status] || [saving.status, "quiet"];
  show("saving", saving.reason ? `${words}: ${saving.reason}` : words, tone);
}

function showSummary(summary) {
  const path = String(summary.path);
  const cut = Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\"));
  const name = path.slice(cut + 1);
  document.title = `${name} – Ganimede`;
  show("notebook", name);
  show("folder", path.slice(0, Math.max(cut, 1)));
  show("cells", summary.cells);
  show("clients", summary.clients);
  const waiting = (summary.queued || []).length;
  const running = summary.running ? "a cell" : "nothing";
  const words = summary.input ? "a cell, which waits for input" : running;
  show("running", waiting ? `${words}, ${waiting} waiting` : words, summary.running ? "busy" : "quiet");
  if (summary.kernel) showKernel(summary.kernel);
  if (summary.saving) showSaving(summary.saving);
}

function showNotice(notice) {
  const item = document.createElement("li");
  item.dataset.level = notice.level;
  item.textContent = notice.message;
  element("notices").prepend(item);
  while (element("notices").children.length > NOTICES) element("notices").lastChild.remove();
}

function hear(data) {
  if (typeof data !== "string") return;
  const { channel, method, message, error } = JSON.parse(data);
  const topic = `${channel}.${method}`;
  if (error) {
    if (topic === "notebook.get") connection(error.message, "bad");
    return;
  }
  if (topic === "notebook.get") {
    connection("");
    showSummary(message);
  } else if (topic === "notebook.saving") showSaving(message);
  else if (topic === "notebook.notice") showNotice(message);
  else if (topic === "kernel.status") showKernel({ reason: "", ...message });
}

function connect() {
  const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/`);
  const ask = () => socket.send(JSON.stringify({ channel: "notebook", method: "get" }));
  let poll;
  socket.onopen = () => {
    delay = 500;
    element("notices").replaceChildren(); // the server tells again what still holds
    ask();
    poll = setInterval(() => document.hidden || ask(), POLL);
  };
  socket.onmessage = (event) => hear(event.data);
  socket.onclose = (event) => {
    clearInterval(poll);
    if (event.code >= 4400 && event.code < 4500) {
      connection("The server wants its token: open the address that it printed when it started.", "bad");
      return;
    }
    connection("Not connected. Trying again …", "bad");
    setTimeout(connect, delay);
    delay = Math.min(delay * 2, 5000);
  };
}

connect();

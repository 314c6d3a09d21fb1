"use strict";
const element = (id) => document.getElementById(id);
const pictures = JSON.parse(element("data").textContent).pictures;
const NONE = "";  // the label of a picture that shows none of the classes
const memory = `gopro review of ${pictures.map((one) => one.picture).join("|")}`;
const labels = new Map(remembered());
let current = 0;

function remembered() {
  try {  // not every browser remembers for files
    return JSON.parse(localStorage.getItem(memory)) || [];
  } catch {
    return [];
  }
}

function show() {
  const { picture, shown, image, ranked } = pictures[current];
  const label = labels.get(picture);
  element("place").textContent = `Picture ${current + 1} of ${pictures.length}`;
  element("image").src = image;
  element("image").hidden = !image;
  element("gone").hidden = Boolean(image);
  element("path").textContent = shown;
  const buttons = ranked.map(({ name, percent }) => {
    const button = document.createElement("button");
    const share = document.createElement("small");
    button.append(name.replaceAll("_", " "), share);
    share.textContent = `${percent} %`;
    button.onclick = () => choose(name);
    button.setAttribute("aria-pressed", String(label === name));
    return button;
  });
  element("names").replaceChildren(...buttons);
  element("none").setAttribute("aria-pressed", String(label === NONE));
  const named = ranked.some(({ name }) => name === label);
  element("text").value = label && !named ? label : "";
  element("back").disabled = current === 0;
  element("skip").disabled = current === pictures.length - 1;
  element("count").textContent = `${labels.size} of ${pictures.length} labelled`;
  element("save").disabled = labels.size === 0;
}

function choose(label) {
  labels.set(pictures[current].picture, label);
  try {
    localStorage.setItem(memory, JSON.stringify([...labels]));
  } catch {
    // the labels last as long as the page is open
  }
  go(1);
}

function go(step) {
  current = Math.min(Math.max(current + step, 0), pictures.length - 1);
  show();
}

function save() {
  const cell = (text) => `"${text.replaceAll('"', '""')}"`;
  const rows = [...labels].map(([picture, label]) => `${cell(picture)},${cell(label)}\r\n`);
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob(["picture,label\r\n", ...rows], { type: "text/csv" }));
  link.download = "corrections.csv";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);  // after the browser has read it
}

if (pictures.length) {
  element("none").onclick = () => choose(NONE);
  element("back").onclick = () => go(-1);
  element("skip").onclick = () => go(1);
  element("save").onclick = save;
  element("other").onsubmit = (event) => {
    event.preventDefault();
    const name = element("text").value.trim();
    if (name) choose(name);
  };
  document.onkeydown = (event) => {
    if (event.target === element("text") || event.ctrlKey || event.metaKey || event.altKey) return;
    const ranked = pictures[current].ranked[Number(event.key) - 1];
    if (ranked && event.key !== "0") choose(ranked.name);
    else if (event.key === "0") choose(NONE);
    else if (event.key === "ArrowLeft") go(-1);
    else if (event.key === "ArrowRight") go(1);
  };
  show();
}

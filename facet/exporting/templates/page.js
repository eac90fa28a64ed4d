// The page's script: unpacks the networks, runs them, and shows what comes out. Images are [1, C, r, r] in [0, 1].
const $ = (id) => document.getElementById(id);
const made = (kind, properties) => Object.assign(document.createElement(kind), properties);
const settings = JSON.parse($("settings").textContent);
const { attributes, resolution: side, channels } = settings;
const sliders = attributes.map((_, i) => $(`slider${i}`));
let ort, encoder, decoder, judge;
let face; // the chosen picture: its attributes, its nuisance code, the judge's readings
let asked = 0; // counts what was asked for, so that an answer to an older question is dropped
let own; // a picture of the user's own, from which squares are cut
let queue = Promise.resolve(); // one network at a time
let busy = false, again = false, waiting;

function bytes(base64) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(base64); // browsers since 2025; ten times as fast
  const text = atob(base64);
  const found = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) found[i] = text.charCodeAt(i);
  return found;
}

async function unpacked(name) {
  const element = $(`binary-${name}`);
  if (!element) return null;
  const packed = bytes(element.textContent);
  element.remove(); // its memory
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

async function start() {
  if (side <= 64) document.body.classList.add("pixels");
  const glue = new Blob([await unpacked("glue")], { type: "text/javascript" });
  ort = await import(URL.createObjectURL(glue));
  ort.env.wasm.numThreads = 1; // a file has no shared memory
  ort.env.wasm.wasmBinary = (await unpacked("wasm")).buffer;
  ort.env.logLevel = "error";
  const session = async (name) => {
    const content = await unpacked(name);
    return content && ort.InferenceSession.create(content, { executionProviders: ["wasm"] });
  };
  encoder = await session("encoder");
  decoder = await session("decoder");
  judge = await session("judge");
  listen();
  $("editor").hidden = false;
  $("status").textContent = "";
  const first = document.querySelector(".example");
  if (first) await chooseExample(first);
  else blank();
  document.body.dataset.ready = "true";
}

// ---------------------------------------------------------------- the networks

const tensor = (values, ...shape) => new ort.Tensor("float32", Float32Array.from(values), shape);

function run(session, inputs) {
  const answer = queue.then(() => session.run(inputs));
  queue = answer.catch(() => {});
  return answer;
}

async function readings(images) {
  return judge ? [...(await run(judge, { images })).probabilities.data] : [];
}

async function decoded(rows) {
  // rows of attribute values, all with the face's nuisance code
  const { data, dims } = face.nuisance;
  const many = new Float32Array(rows.length * data.length);
  rows.forEach((_, i) => many.set(data, i * data.length));
  const inputs = {
    attributes: tensor(rows.flat(), rows.length, attributes.length),
    nuisance: tensor(many, rows.length, ...dims.slice(1)),
  };
  return (await run(decoder, inputs)).images;
}

async function choose(images, told, keep = false) {
  const mine = ++asked;
  const before = await readings(images);
  if (mine !== asked) return;
  const inputs = { images };
  if (settings.labelsGiven) {
    // an attribute that the judge doesn't know is unknown, which is half
    const known = attributes.map((name) => before[settings.judge.indexOf(name)]);
    inputs.labels = tensor(known.map((value) => (value === undefined ? 0.5 : Math.round(value))), 1, attributes.length);
  }
  const code = await run(encoder, inputs);
  if (mine !== asked) return;
  face = { images, before, read: [...code.attributes.data], nuisance: code.nuisance };
  const reconstruction = await decoded([face.read]);
  face.rebuilt = await readings(reconstruction);
  draw($("original"), images);
  draw($("reconstruction"), reconstruction);
  $("told").textContent = told;
  if (keep) show();
  else reset();
}

// ---------------------------------------------------------------- what is shown

function draw(canvas, images, index = 0) {
  const pixels = side * side;
  const shown = new ImageData(side, side);
  const first = index * channels * pixels;
  for (let i = 0; i < pixels; i++) {
    for (let c = 0; c < 3; c++) {
      const value = images.data[first + (channels === 3 ? c * pixels : 0) + i];
      shown.data[4 * i + c] = Math.round(255 * Math.min(1, Math.max(0, value)));
    }
    shown.data[4 * i + 3] = 255;
  }
  canvas.width = canvas.height = side;
  canvas.getContext("2d").putImageData(shown, 0, 0);
}

function blank() {
  for (const name of ["original", "reconstruction", "edit"]) $(name).width = $(name).height = side;
  for (const slider of sliders) slider.disabled = true;
}

const values = () => sliders.map((slider, i) => (slider.dataset.moved ? Number(slider.value) : face.read[i]));

function reset() {
  for (const slider of sliders) delete slider.dataset.moved;
  show();
}

function show() {
  sliders.forEach((slider, i) => {
    slider.disabled = false;
    if (!slider.dataset.moved) slider.value = face.read[i];
    label(i);
  });
  refresh();
}

function set(i, value) {
  sliders[i].value = value;
  sliders[i].dataset.moved = "true";
  label(i);
}

function label(i) {
  const value = sliders[i].dataset.moved ? Number(sliders[i].value) : face.read[i];
  $(`value${i}`).textContent = value.toFixed(2).replace("-", "−");
  sliders[i].parentElement.classList.toggle("edited", "moved" in sliders[i].dataset);
}

function move(i) {
  const value = Number(sliders[i].value);
  const follows = settings.implied[attributes[i]][value > 0.5 ? 1 : 0]; // such as blond hair: not black
  for (const [name, present] of Object.entries(follows)) {
    const other = attributes.indexOf(name);
    if (other >= 0) set(other, present ? 1 : 0);
  }
  set(i, value);
  $("walked").value = i;
  refresh();
}

async function refresh() {
  // the newest values count: while one edit is computed, later ones wait as one
  if (busy) {
    again = true;
    return;
  }
  busy = true;
  do {
    again = false;
    await edit();
  } while (again);
  busy = false;
  clearTimeout(waiting);
  waiting = setTimeout(walk, 80);
}

async function edit() {
  const begun = performance.now();
  const images = await decoded([values()]);
  draw($("edit"), images);
  const after = await readings(images);
  if (judge) judged(after);
  const took = performance.now() - begun;
  document.body.dataset.milliseconds = took.toFixed(1);
  $("time").textContent = `The last edit took ${took.toFixed(0)} ms.`;
}

async function walk() {
  if (busy || !face) return;
  const i = Number($("walked").value);
  const rows = settings.values.map((value) => values().map((other, j) => (j === i ? value : other)));
  const images = await decoded(rows);
  [...$("strip").children].forEach((button, n) => {
    draw(button.firstChild, images, n);
    button.setAttribute("aria-label", `${attributes[i].replaceAll("_", " ")} ${settings.values[n]}`);
  });
  document.body.dataset.walked = String(asked);
}

function judged(after) {
  const percent = (value) => `${(100 * value).toFixed(0)}%`;
  const known = settings.judge.map((_, j) => j); // the model's own attributes first, in the sliders' order
  const place = (j) => attributes.indexOf(settings.judge[j]) >>> 0; // −1 becomes large
  const rows = known.sort((a, b) => place(a) - place(b)).map((j) => {
    const name = settings.judge[j];
    const i = attributes.indexOf(name);
    const [was, is] = [face.rebuilt[j], after[j]]; // the edit starts from the reconstruction
    const isAsked = i >= 0 && "moved" in sliders[i].dataset;
    const turned = was > 0.5 !== is > 0.5;
    const points = Math.round(100 * (is - was));
    const change = points ? `${points > 0 ? "+" : "−"}${Math.abs(points)}` : "0";
    const accuracy = settings.accuracy[name];
    const right = accuracy === undefined ? "–" : percent(accuracy);
    return { name, i, isAsked, turned, cells: [...[face.before[j], was, is].map(percent), change, right] };
  });
  const body = $("judged");
  while (body.children.length < rows.length) {
    const row = body.insertRow();
    row.append(made("th", { scope: "row" }));
    for (let c = 0; c < 5; c++) row.insertCell();
  }
  rows.forEach(({ name, i, isAsked, turned, cells }, j) => {
    const row = body.rows[j];
    row.className = `${isAsked ? "asked" : ""} ${turned ? "turned" : ""} ${i < 0 ? "others" : ""}`;
    row.cells[0].textContent = name.replaceAll("_", " ");
    cells.forEach((text, c) => (row.cells[c + 1].textContent = text));
    if (turned) row.cells[4].append(made("small", { textContent: isAsked ? "asked" : "not asked" }));
  });
}

// ---------------------------------------------------------------- what the user does

function listen() {
  sliders.forEach((slider, i) => slider.addEventListener("input", () => move(i)));
  for (const button of document.querySelectorAll(".example")) {
    button.addEventListener("click", () => chooseExample(button));
  }
  $("file").addEventListener("change", (event) => chooseFile(event.target.files[0]));
  for (const name of ["zoom", "across", "down"]) $(name).addEventListener("input", () => own && cut(true));
  $("reset").addEventListener("click", () => face && reset());
  $("walked").addEventListener("change", walk);
  $("save").addEventListener("click", (event) => (event.target.href = $("edit").toDataURL()));
  for (const value of settings.values) {
    const button = made("button", { type: "button" });
    button.append(made("canvas"), made("span", { textContent: String(value).replace("-", "−") }));
    button.addEventListener("click", () => {
      if (!face) return;
      const i = Number($("walked").value);
      sliders[i].value = value;
      move(i);
    });
    $("strip").append(button);
  }
  addEventListener("dragover", (event) => {
    event.preventDefault();
    document.body.classList.add("over");
  });
  addEventListener("dragleave", () => document.body.classList.remove("over"));
  addEventListener("drop", (event) => {
    event.preventDefault();
    document.body.classList.remove("over");
    chooseFile(event.dataTransfer.files[0]);
  });
  addEventListener("paste", (event) => chooseFile(event.clipboardData.files[0]));
}

start().catch((error) => {
  $("status").className = "failed";
  const advice = "Use a browser of the last two years.";
  $("status").textContent = `The model can't start in this browser (${error.message}). ${advice}`;
});

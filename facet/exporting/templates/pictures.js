// Pictures that come in: example faces, and the user's own, from which squares are cut. It goes before page.js.
function square(picture, left, top, size) {
  // A square, on white, as an image of the model's size. Halved step by step: one big step would alias.
  let source = picture;
  for (;;) {
    const next = size >= 2 * side ? Math.max(side, Math.floor(size / 2)) : side;
    const canvas = made("canvas", { width: next, height: next });
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.fillStyle = "white";
    context.fillRect(0, 0, next, next);
    context.imageSmoothingQuality = "high";
    context.drawImage(source, left, top, size, size, 0, 0, next, next);
    [source, left, top, size] = [canvas, 0, 0, next];
    if (next === side) return images(context.getImageData(0, 0, side, side).data);
  }
}

function images(bytes) {
  const pixels = side * side;
  const found = new Float32Array(channels * pixels);
  for (let i = 0; i < pixels; i++) {
    const [r, g, b] = bytes.subarray(4 * i, 4 * i + 3);
    if (channels === 3) [r, g, b].forEach((value, c) => (found[c * pixels + i] = value / 255));
    else found[i] = (0.299 * r + 0.587 * g + 0.114 * b) / 255;
  }
  return new ort.Tensor("float32", found, [1, channels, side, side]);
}

function press(chosen) {
  for (const button of document.querySelectorAll(".example")) button.setAttribute("aria-pressed", button === chosen);
}

async function chooseExample(button) {
  press(button);
  forget();
  const picture = button.firstElementChild;
  await picture.decode();
  await choose(square(picture, 0, 0, side), "");
}

async function chooseFile(file) {
  if (!file) return;
  let picture;
  try {
    picture = await createImageBitmap(file, { imageOrientation: "from-image" });
  } catch {
    $("told").textContent = `${file.name} can't be read as a picture: use a JPEG, PNG or WebP.`;
    return;
  }
  press(null);
  forget();
  own = { picture, name: file.name };
  $("cut").hidden = false;
  await cut();
}

function forget() {
  own?.picture.close();
  own = null;
  $("cut").hidden = true;
  for (const [name, value] of [["zoom", 1], ["across", 0.5], ["down", 0.5]]) $(name).value = value;
}

async function cut(keep = false) {
  const { width, height } = own.picture;
  const [zoom, across, down] = ["zoom", "across", "down"].map((name) => Number($(name).value));
  const size = Math.min(width, height) / zoom;
  const central = zoom === 1 && across === 0.5 && down === 0.5;
  const part = `${central ? "central " : ""}${Math.round(size)} × ${Math.round(size)}`;
  const told = `${own.name}: ${width} × ${height} pixels, of which the ${part} are used.`;
  await choose(square(own.picture, (width - size) * across, (height - size) * down, size), told, keep);
}

// The toys of the site: small models of chapters 04, 05 and 12, run in the page. WEIGHTS is in weights.js.
"use strict";

// ---- What the models compute. Matrices are rows of one Float32Array or plain arrays. ----

const bytes = text => Uint8Array.from(atob(text), letter => letter.charCodeAt(0));
const sigmoid = a => 1 / (1 + Math.exp(-a));
const elu = a => a > 0 ? a : Math.expm1(a);

// A matrix is stored as eight bits a number, and a scale a column.
function unpack({shape: [rows, columns], scale, values}) {
  const scales = new Float32Array(bytes(scale).buffer);
  return {rows, columns, at: Float32Array.from(new Int8Array(bytes(values).buffer), (v, i) => v * scales[i % columns])};
}

// x W + b, (rows) -> (columns)
function up(x, w, bias) {
  const sums = Float64Array.from(bias);
  for (let i = 0; i < w.rows; i++) {
    if (x[i]) for (let j = 0, k = i * w.columns; j < w.columns; j++) sums[j] += x[i] * w.at[k + j];
  }
  return sums;
}

// W y + b, (columns) -> (rows)
function down(y, w, bias) {
  return Float64Array.from(bias, (sum, i) => {
    for (let j = 0, k = i * w.columns; j < w.columns; j++) sum += w.at[k + j] * y[j];
    return sum;
  });
}

const decoder = WEIGHTS.plane.layers.map(({kernel, bias}) => ({w: unpack(kernel), bias}));

// Two codes -> 784 probabilities of ink
function decode(codes) {
  const last = decoder.length - 1;
  return decoder.reduce((x, {w, bias}, i) => up(x, w, bias).map(i < last ? elu : sigmoid), codes);
}

const machine = {...WEIGHTS.chains, w: unpack(WEIGHTS.chains.kernel)};
const draw = p => p.map(chance => Math.random() < chance ? 1 : 0);
const hidden = x => up(x, machine.w, machine.hidden_bias).map(sigmoid);
const visible = y => down(y, machine.w, machine.visible_bias).map(sigmoid);

// One step of Gibbs sampling: hidden states given the image, and the probabilities of the next image given those
const gibbsStep = x => visible(draw(hidden(x)));

// One epoch of the map's batch form: each node becomes the mean of all points, weighted by the kernel of width sigma
function mapStep(nodes, points, sigma, columns) {
  const square = (a, b) => a.reduce((sum, value, i) => sum + (value - b[i]) ** 2, 0);
  const place = node => [Math.floor(node / columns), node % columns];
  const winners = points.map(point => {
    const apart = nodes.map(node => square(node, point));
    return apart.indexOf(Math.min(...apart));
  });
  return nodes.map((node, index) => {
    const pull = winners.map(winner => Math.exp(-square(place(index), place(winner)) / (2 * sigma ** 2)));
    const total = pull.reduce((a, b) => a + b);
    if (!total) return node; // beyond all points
    return node.map((_, axis) => points.reduce((sum, point, i) => sum + pull[i] * point[axis], 0) / total);
  });
}

// ---- What is seen. Each toy is an element of the page with its own canvas, buttons and sliders. ----

// 784 numbers from 0 to 1 as gray pixels, with the upper left corner at (left, top)
function paint(context, image, left, top) {
  const pixels = context.createImageData(28, 28);
  image.forEach((value, i) => pixels.data.set([255 * value, 255 * value, 255 * value, 255], 4 * i));
  context.putImageData(pixels, left, top);
}

// A button that starts and stops the steps, and says which it does
function player(button, step, milliseconds) {
  let timer = null;
  const play = on => {
    clearInterval(timer);
    timer = on ? setInterval(() => step() || play(false), milliseconds) : null;
    button.textContent = on ? "Stop" : "Run";
  };
  button.onclick = () => play(timer === null);
  return play;
}

function planeToy(toy) {
  const [map, digit] = toy.querySelectorAll("canvas"), sliders = [...toy.querySelectorAll("input")];
  const context = map.getContext("2d"), side = map.width, sheet = document.createElement("canvas");
  sheet.width = sheet.height = side;
  for (let row = 0; row < 15; row++) { // the second code grows upwards
    for (let column = 0; column < 15; column++) {
      paint(sheet.getContext("2d"), decode([0.4 * column - 2.8, 2.8 - 0.4 * row]), 28 * column, 28 * row);
    }
  }
  const show = () => {
    const codes = sliders.map(slider => Number(slider.value));
    const [x, y] = [(codes[0] + 3) / 6 * side, (3 - codes[1]) / 6 * side];
    context.drawImage(sheet, 0, 0);
    for (const [colour, width] of [["black", 7], ["#ffb000", 3]]) {
      context.strokeStyle = colour;
      context.lineWidth = width;
      context.strokeRect(x - 14, y - 14, 28, 28);
    }
    paint(digit.getContext("2d"), decode(codes), 0, 0);
    toy.querySelector("output").textContent = `codes ${codes.map(code => code.toFixed(2)).join(" and ")}`;
  };
  map.onpointerdown = map.onpointermove = event => {
    const box = map.getBoundingClientRect();
    sliders[0].value = 6 * (event.clientX - box.left) / box.width - 3;
    sliders[1].value = 3 - 6 * (event.clientY - box.top) / box.height;
    show();
  };
  sliders.forEach(slider => { slider.oninput = show; });
  show();
}

function chainsToy(toy) {
  const context = toy.querySelector("canvas").getContext("2d"), [run, one, digits, noise] = toy.querySelectorAll("button");
  let chains, count;
  const show = () => {
    chains.forEach((chain, i) => paint(context, chain, 28 * (i % 6), 28 * Math.floor(i / 6)));
    toy.querySelector("output").textContent = `step ${count}`;
  };
  const step = () => {
    chains = chains.map(chain => gibbsStep(draw(chain)));
    count += 1;
    show();
    return true;
  };
  const play = player(run, step, 100);
  const start = images => {
    [chains, count] = [images, 0];
    show();
  };
  const stored = machine.digits.map(text => [...bytes(text)].flatMap(
    byte => [7, 6, 5, 4, 3, 2, 1, 0].map(bit => byte >> bit & 1)));
  one.onclick = () => { play(false); step(); };
  digits.onclick = () => start(stored);
  noise.onclick = () => start(stored.map(image => draw(image.map(() => 0.5))));
  start(stored);
}

function mapToy(toy) {
  const {points, start, axes} = WEIGHTS.net, columns = start[0].length, epochs = 30, last = 0.6;
  const canvas = toy.querySelector("canvas"), context = canvas.getContext("2d"), slider = toy.querySelector("input");
  const [run, one, again] = toy.querySelectorAll("button");
  const scale = canvas.width / 6.6;
  const seen = point => axes.map((axis, i) => // on the two axes, the second upwards
    canvas[["width", "height"][i]] / 2 + [scale, -scale][i] * axis.reduce((sum, value, k) => sum + value * point[k], 0));
  const dot = (point, radius, colour) => {
    context.fillStyle = colour;
    context.beginPath();
    context.arc(...seen(point), radius, 0, 7);
    context.fill();
  };
  let nodes, epoch;
  const width = () => Number(slider.value) * (last / Number(slider.value)) ** (epoch / (epochs - 1));
  const show = () => {
    context.fillStyle = "white";
    context.fillRect(0, 0, canvas.width, canvas.height);
    points.forEach(point => dot(point, 4, "#888888"));
    context.strokeStyle = "#0072b2";
    nodes.forEach((node, i) => [i % columns < columns - 1 && i + 1, i + columns].forEach(next => {
      if (!next || next >= nodes.length) return;
      context.beginPath();
      context.moveTo(...seen(node));
      context.lineTo(...seen(nodes[next]));
      context.stroke();
    }));
    nodes.forEach(node => dot(node, 3, "#0072b2"));
    toy.querySelector("output").textContent =
      `epoch ${epoch} of ${epochs}` + (epoch < epochs ? `, the next one with the width ${width().toFixed(2)}` : "");
    toy.nodes = nodes;
  };
  const step = () => {
    if (epoch === epochs) return false;
    nodes = mapStep(nodes, points, width(), columns);
    epoch += 1;
    show();
    return true;
  };
  const play = player(run, step, 300);
  const restart = () => {
    play(false);
    [nodes, epoch] = [start.flat(), 0];
    show();
  };
  one.onclick = () => { play(false); step(); };
  again.onclick = slider.oninput = restart;
  restart();
}

planeToy(document.querySelector("#plane"));
chainsToy(document.querySelector("#chains"));
mapToy(document.querySelector("#net"));
for (const place of document.querySelectorAll("[data-off]")) { // what eight bits a weight change
  const [mean, largest] = WEIGHTS[place.dataset.off].off;
  place.textContent = `${mean} on average and by at most ${largest}`;
}

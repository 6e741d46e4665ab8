// What one unit is made of, in numbers.

import { element } from "./paint.js";

const DECIMALS = 4;

export function figure(value) {
  return value.toFixed(DECIMALS);
}

/** Tint a cell by its number: one colour above zero, another below. */
function tint(cell, value, greatest) {
  const strength = Math.min(Math.abs(value) / (greatest || 1), 1) * 0.3;
  cell.style.backgroundColor = `rgba(var(${value < 0 ? "--minus" : "--plus"}), ${strength.toFixed(3)})`;
}

function greatestOf(cells, what) {
  return Math.max(...cells.map((cell) => Math.abs(cell[what])));
}

/** One number of a table; that of the source leads there. */
function cellOf(each, what, greatest) {
  const cell = element("td", { "data-figure": what }, figure(each[what]));
  if (what === "value") cell.setAttribute("data-from", each.from);
  tint(cell, each[what], greatest);
  return cell;
}

function square(field, what, caption) {
  const table = element("table", {}, element("caption", {}, caption));
  const greatest = greatestOf(field.cells, what);
  for (let y = 0; y < field.height; y++) {
    const row = element("tr");
    for (const each of field.cells.slice(y * field.width, (y + 1) * field.width)) row.append(cellOf(each, what, greatest));
    table.append(row);
  }
  return table;
}

function patch(field, source, words) {
  const rows = `rows ${field.top} to ${field.top + field.height - 1}`;
  const columns = `columns ${field.left} to ${field.left + field.width - 1}`;
  const title = source.kind === "input" ? source.name : `${source.name}, map ${field.map}`;
  return element(
    "div",
    { class: "field" },
    element("h4", {}, `${title}, ${rows}, ${columns}`),
    element(
      "div",
      { class: "products" },
      square(field, "value", "values"),
      "×",
      square(field, "weight", words),
      "=",
      square(field, "product", "products"),
    ),
  );
}

function list(terms, source) {
  const head = ["from", "value", "weight", "product"].map((words) => element("th", { scope: "col" }, words));
  const table = element("table", {}, element("tr", {}, ...head));
  const cells = terms.flatMap((field) => field.cells);
  for (const each of cells) {
    const numbers = ["value", "weight", "product"].map((what) => cellOf(each, what, greatestOf(cells, what)));
    table.append(element("tr", {}, element("th", { scope: "row" }, `${source.name} ${each.from}`), ...numbers));
  }
  return table;
}

function row(name, value, what) {
  return [element("dt", {}, name), element("dd", { "data-figure": what }, figure(value))];
}

function sums(layer, unit, terms, value) {
  const products = terms.flatMap((field) => field.cells).reduce((sum, cell) => sum + cell.product, 0);
  const bias = layer.bias?.[layer.place(unit)[0]];
  const rows = [row(layer.kind === "pooling" ? "sum, the average" : "sum of the products", products, "products")];
  if (bias !== undefined) rows.push(row("bias", bias, "bias"), row("together", products + bias, "sum"));
  if (layer.hasTanh) rows.push(row("tanh of that", value, "tanh"));
  return element("dl", { class: "sum" }, ...rows.flat());
}

function softmax(layer, unit, values, logits) {
  const temperature = layer.weight.data[0];
  const powers = Array.from(logits, (logit) => Math.exp(logit / temperature));
  const all = powers.reduce((sum, power) => sum + power, 0);
  const head = ["logit", `e^(logit / ${figure(temperature)})`, "share of all"];
  const table = element("table", {}, element("tr", {}, ...["", ...head].map((words) => element("th", {}, words))));
  powers.forEach((power, label) => {
    const logit = element("td", { "data-figure": "value", "data-from": label }, figure(logits[label]));
    const cells = [logit, element("td", {}, power.toPrecision(6)), element("td", {}, figure(values[label]))];
    if (label === unit) cells[2].classList.add("here");
    table.append(element("tr", {}, element("th", { scope: "row" }, String(label)), ...cells));
  });
  return [table, element("p", {}, `${powers[unit].toPrecision(6)} / ${all.toPrecision(6)} = ${figure(values[unit])}`)];
}

function parts(layer, unit, values) {
  const own = values[layer.name];
  if (layer.kind === "input") {
    const level = Math.round(255 * own[unit]);
    return [element("p", {}, `The grey level ${level} of 255: ${level} / 255 = ${figure(own[unit])}.`)];
  }
  if (layer.kind === "unknown") {
    return [element("p", {}, "The weights of this model do not lie as digitlens exports them, so only values are shown.")];
  }
  const before = values[layer.source.name];
  if (layer.kind === "softmax") return softmax(layer, unit, own, before);
  const terms = layer.terms(unit, before);
  const summed = sums(layer, unit, terms, own[unit]);
  if (layer.kind === "linear") return [summed, list(terms, layer.source)];
  const words = layer.kind === "pooling" ? "a quarter each" : "kernel";
  return [summed, ...terms.map((field) => patch(field, layer.source, words))];
}

/**
 * Fill an element with what a unit is made of.
 *
 * @param {HTMLElement} root to be filled.
 * @param {Layer} layer of the unit.
 * @param {number} unit its number in the layer.
 * @param {Object<string, Float32Array>} values onnxruntime's outputs by name, and the image.
 */
export function showDetail(root, layer, unit, values) {
  const value = element("span", { class: "value", "data-figure": "unit" }, figure(values[layer.name][unit]));
  const title = layer.title(unit);
  const isOther = root.firstChild?.textContent !== title;
  root.replaceChildren(
    element("h3", {}, title),
    element("p", {}, value),
    ...parts(layer, unit, values),
  );
  if (isOther) root.scrollTop = 0;
}

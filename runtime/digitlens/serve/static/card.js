// A layer's card: its picture, whose units can be pointed at, and its explanation.

import { figure } from "./detail.js";
import { WORDS } from "./layers.js";
import { element, Grid, levelsOf, mapSize, placeOn } from "./paint.js";

// How many maps or units stand side by side, and how wide a picture is about, in its own pixels.
const COLUMNS = { image: 1, conv1: 2, pool1: 3, conv2: 4, pool2: 4, conv3: 12, fc1: 12 };
const WIDTH = 190;
// A layer of so few units is a list with numbers.
const FEW = 10;
const LIST_WIDTH = 150;
const GRAY = Uint8Array.from({ length: 768 }, (_, i) => Math.floor(i / 3));

export class Card {
  /**
   * @param {Layer} layer that is shown.
   * @param {number[]} labels of the outputs.
   * @param {{point: function, focus: function, press: function}} wishes called with the card, and the
   *   unit or the key.
   */
  constructor(layer, labels, wishes) {
    this.layer = layer;
    this.labels = labels;
    this.isList = layer.count <= FEW;
    const columns = this.isList ? 1 : (COLUMNS[layer.name] ?? Math.ceil(Math.sqrt(layer.maps)));
    const [, width] = mapSize(layer.shape);
    const scale = Math.max(Math.floor((WIDTH / columns - 4) / width), 1);
    this.grid = new Grid(layer.shape, columns, this.isList ? 20 : scale);
    this.picture = element("canvas");
    this.canvas = element("canvas", {
      class: this.isList ? "list" : "",
      tabindex: "0",
      role: "application",
      "aria-roledescription": "feature maps",
      "aria-label": `${layer.name}: ${this.facts}`,
      "data-layer": layer.name,
    });
    const words = WORDS[layer.name] ?? layer.words;
    this.root = element("article", { class: "layer" }, element("h3", {}, layer.name));
    this.root.append(element("p", { class: "facts" }, this.facts), this.canvas, element("p", {}, words));
    this.canvas.addEventListener("pointermove", (event) => wishes.point(this, this.unitOf(event), false));
    this.canvas.addEventListener("click", (event) => wishes.point(this, this.unitOf(event), true));
    this.canvas.addEventListener("focus", () => wishes.focus(this));
    this.canvas.addEventListener("keydown", (event) => wishes.press(this, event));
  }

  get facts() {
    const { layer } = this;
    const maps = layer.maps === 1 ? "1 map" : `${layer.maps} maps`;
    const size = layer.height * layer.width > 1 ? `${maps} of ${layer.height}×${layer.width}` : `${layer.maps} units`;
    return layer.parameters ? `${size}, ${layer.parameters.toLocaleString("en")} parameters` : size;
  }

  unitOf(event) {
    const [x, y] = placeOn(this.canvas, event);
    if (this.isList) return Math.min(Math.max(Math.floor(y / this.grid.stepY), 0), this.layer.count - 1);
    return this.grid.unitAt(x, y);
  }

  /** Take new values. */
  fill(values) {
    this.values = values;
    if (this.isList) this.paintList();
    else {
      const isImage = this.layer.kind === "input";
      const levels = isImage ? values.map((value) => Math.round(255 * value)) : levelsOf(values, this.layer.shape);
      this.grid.paint(this.picture, levels, isImage ? GRAY : undefined);
    }
    this.mark([], null);
  }

  paintList() {
    const { height } = this.box(0);
    this.picture.width = LIST_WIDTH;
    this.picture.height = this.layer.count * this.grid.stepY;
    const context = this.picture.getContext("2d");
    const style = getComputedStyle(document.documentElement);
    const greatest = Math.max(...this.values.map(Math.abs));
    context.font = "14px system-ui, sans-serif";
    context.textBaseline = "middle";
    this.values.forEach((value, unit) => {
      const y = unit * this.grid.stepY;
      const share = Math.max(value, 0) / (this.layer.kind === "softmax" ? 1 : greatest);
      context.fillStyle = `rgba(${style.getPropertyValue("--plus")}, 0.35)`;
      context.fillRect(22, y + 2, share * (LIST_WIDTH - 24), height - 4);
      context.fillStyle = style.getPropertyValue("--text");
      context.fillText(String(this.labels[unit] ?? unit), 5, y + height / 2);
      context.fillText(figure(value), 28, y + height / 2);
    });
  }

  box(unit) {
    if (this.isList) return { x: 0, y: unit * this.grid.stepY, width: LIST_WIDTH, height: this.grid.stepY };
    const [map, row, column] = this.layer.place(unit);
    const [x, y, width, height] = this.grid.part(map, row, column, 1, 1);
    return { x, y, width, height };
  }

  /** Mark parts of maps, and a unit. */
  mark(fields, unit) {
    this.canvas.width = this.picture.width;
    this.canvas.height = this.picture.height;
    const context = this.canvas.getContext("2d");
    context.drawImage(this.picture, 0, 0);
    const outline = (x, y, width, height, color) => {
      const [left, top] = [Math.max(x - 1, 1), Math.max(y - 1, 1)];
      const right = Math.min(x + width + 1, this.canvas.width - 1);
      const bottom = Math.min(y + height + 1, this.canvas.height - 1);
      for (const [lineWidth, style] of [[3, "#fff"], [1.5, color]]) {
        context.lineWidth = lineWidth;
        context.strokeStyle = style;
        context.strokeRect(left, top, right - left, bottom - top);
      }
    };
    if (!this.isList) {
      for (const { map, top, left, height, width } of fields) {
        outline(...this.grid.part(map, top, left, height, width), "#d1005b");
      }
    }
    if (unit === null) return;
    const { x, y, width, height } = this.box(unit);
    outline(x + 1, y + 1, width - 2, height - 2, "#d1005b");
  }
}

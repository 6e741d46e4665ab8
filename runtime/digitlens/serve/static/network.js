// LeNet laid open: every unit of every layer, and what it is made of.

import { askPacket, Refusal } from "./ask.js";
import { current } from "./current.js";
import { figure, showDetail } from "./detail.js";
import { layersOf, WORDS } from "./layers.js";
import { element, Grid, levelsOf, mapSize, paintGray, placeOn } from "./paint.js";

const COLUMNS = { image: 1, conv1: 2, pool1: 3, conv2: 4, pool2: 4, conv3: 12, fc1: 12 };
const WIDTH = 190;
const FEW = 10;
const LIST_WIDTH = 150;
const GRAY = Uint8Array.from({ length: 768 }, (_, i) => Math.floor(i / 3));
const RETRY = 2000;

/** A layer's card: its picture, whose units can be pointed at, and its explanation. */
class Card {
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
      context.lineWidth = 3;
      context.strokeStyle = "#fff";
      context.strokeRect(x - 1, y - 1, width + 2, height + 2);
      context.lineWidth = 1.5;
      context.strokeStyle = color;
      context.strokeRect(x - 1, y - 1, width + 2, height + 2);
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

export class Network {
  constructor(model) {
    this.labels = model.labels;
    this.status = document.getElementById("network-status");
    this.detail = document.getElementById("network-detail");
    this.said = document.getElementById("network-said");
    this.samples = document.getElementById("network-samples");
    this.cards = [];
    this.chosen = { layer: "conv1", unit: 0 };
    this.isPinned = this.isShown = this.isLoading = false;
    this.detail.addEventListener("click", (event) => this.follow(event));
    this.detail.addEventListener("pointerover", (event) => this.pointAtSource(event));
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && this.isShown) this.isPinned = false;
    });
    current.addEventListener("change", () => this.refresh());
    // The two palettes differ, and lists are painted in them.
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.refresh());
  }

  async show(isShown) {
    this.isShown = isShown;
    if (!isShown) return;
    if (!this.cards.length && !this.isLoading) await this.load();
    await this.refresh();
  }

  async load() {
    this.isLoading = true;
    try {
      const [network, samples] = await Promise.all([askPacket("/page/network"), askPacket("/page/samples")]);
      this.build(layersOf(network), samples.arrays.glyphs);
    } catch (error) {
      this.fail(error);
      setTimeout(() => this.show(this.isShown), RETRY);
    } finally {
      this.isLoading = false;
    }
  }

  fail(error) {
    if (!(error instanceof Refusal)) throw error;
    this.status.textContent = error.message;
    this.status.classList.add("bad");
  }

  build(layers, { data, shape }) {
    const wishes = {
      point: (card, unit, isClick) => this.point(card, unit, isClick),
      focus: (card) => this.focus(card),
      press: (card, event) => this.press(card, event),
    };
    this.cards = layers.map((layer) => new Card(layer, this.labels, wishes));
    document.getElementById("network-layers").replaceChildren(...this.cards.map((card) => card.root));
    const size = shape[1] * shape[2];
    const buttons = Array.from({ length: shape[0] }, (_, label) => {
      const glyph = data.subarray(label * size, (label + 1) * size);
      const canvas = element("canvas", { "aria-hidden": "true" });
      paintGray(canvas, glyph, shape[2]);
      const button = element("button", { type: "button", "aria-label": `A drawn ${label}` }, canvas);
      button.addEventListener("click", () => current.set(glyph, `a drawn ${label}`));
      return button;
    });
    this.samples.replaceChildren(...buttons);
    if (!current.glyph) current.set(data.subarray(4 * size, 5 * size), "a drawn 4");
  }

  /** Let the network run on the current digit, and show all of it. */
  async refresh() {
    if (!this.isShown || !this.cards.length || !current.glyph) return;
    const wanted = (this.wanted = {});
    let arrays;
    try {
      ({ arrays } = await askPacket("/page/activations", current.glyph));
    } catch (error) {
      this.fail(error);
      return;
    }
    if (this.wanted !== wanted) return;
    this.values = Object.fromEntries(Object.entries(arrays).map(([name, { data }]) => [name, data]));
    for (const card of this.cards) card.fill(this.values[card.layer.name]);
    this.status.classList.remove("bad");
    this.status.textContent = `Looking at ${current.from}.`;
    this.choose(this.chosen.layer, this.chosen.unit);
  }

  card(name) {
    return this.cards.find((card) => card.layer.name === name);
  }

  /** Choose a unit: show what it is made of, and where that lies. */
  choose(name, unit) {
    const card = this.card(name) ?? this.cards[1];
    const { layer } = card;
    this.chosen = { layer: layer.name, unit };
    if (!this.values) return;
    showDetail(this.detail, layer, unit, this.values);
    for (const each of this.cards) each.mark(this.fieldsIn(each.layer), each === card ? unit : null);
  }

  /** The parts of a layer's maps that the chosen unit sees, if they are not all of a long list. */
  fieldsIn(layer) {
    const { layer: above } = this.card(this.chosen.layer);
    if (above.kind === "unknown" || above === layer) return [];
    if (layer.kind === "input") {
      const [top, left, height, width] = above.fieldInInput(this.chosen.unit);
      return [{ map: 0, top, left, height, width }];
    }
    const hasPlace = layer.height * layer.width > 1;
    return above.source === layer && hasPlace ? above.fields(this.chosen.unit) : [];
  }

  /** Mark the unit from which a number of the detail comes. */
  pointAtSource(event) {
    const source = this.card(this.chosen.layer).layer.source;
    if (!source) return;
    const cell = event.target.closest("td[data-from]");
    this.card(source.name).mark(this.fieldsIn(source), cell ? Number(cell.dataset.from) : null);
  }

  say() {
    const { layer } = this.card(this.chosen.layer);
    const value = figure(this.values[layer.name][this.chosen.unit]);
    clearTimeout(this.saying);
    this.saying = setTimeout(() => (this.said.textContent = `${layer.title(this.chosen.unit)}: ${value}`), 150);
  }

  point(card, unit, isClick) {
    if (unit === null || !this.values || (this.isPinned && !isClick)) return;
    const isSame = this.chosen.layer === card.layer.name && this.chosen.unit === unit;
    if (isClick) this.isPinned = !(this.isPinned && isSame);
    if (!isSame) this.choose(card.layer.name, unit);
  }

  focus(card) {
    if (this.chosen.layer === card.layer.name || !this.values || !card.canvas.matches(":focus-visible")) return;
    this.choose(card.layer.name, 0);
    this.say();
  }

  press(card, event) {
    const { layer } = card;
    let [map, row, column] = layer.place(this.chosen.layer === layer.name ? this.chosen.unit : 0);
    const steps = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
    const isOne = layer.height * layer.width === 1;
    if (event.key in steps) {
      const [down, across] = steps[event.key];
      if (isOne) map += across + down * card.grid.columns;
      else [row, column] = [row + down, column + across];
    } else if (event.key === "PageUp" || event.key === "PageDown") {
      map += event.key === "PageUp" ? -1 : 1;
    } else if (event.key === "Home" || event.key === "End") {
      map = event.key === "Home" ? 0 : layer.maps - 1;
    } else if (event.key === "Enter") {
      this.detail.focus();
    } else return;
    event.preventDefault();
    const isThere = map >= 0 && map < layer.maps && row >= 0 && row < layer.height && column >= 0 && column < layer.width;
    if (!isThere || !this.values) return;
    this.isPinned = true;
    this.choose(layer.name, layer.unit(map, row, column));
    this.say();
  }

  /** Go to the unit from which a number of the detail comes. */
  follow(event) {
    const cell = event.target.closest("td[data-from]");
    if (!cell) return;
    const { layer } = this.card(this.chosen.layer);
    this.isPinned = true;
    this.choose(layer.source.name, Number(cell.dataset.from));
  }
}

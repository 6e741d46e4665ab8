// LeNet laid open: every unit of every layer, and what it is made of.

import { askPacket, Refusal } from "./ask.js";
import { Card } from "./card.js";
import { current } from "./current.js";
import { figure, showDetail } from "./detail.js";
import { layersOf } from "./layers.js";
import { element, paintGray } from "./paint.js";

const RETRY = 2000;
// Milliseconds between two digits of the live picture, so that they can be looked at.
const FOLLOW_PERIOD = 250;

export class Network extends EventTarget {
  constructor(model) {
    super();
    this.labels = model.labels;
    this.status = document.getElementById("network-status");
    this.detail = document.getElementById("network-detail");
    this.said = document.getElementById("network-said");
    this.samples = document.getElementById("network-samples");
    this.following = document.getElementById("network-follow");
    this.following.addEventListener("change", () => this.dispatchEvent(new Event("follow")));
    document.addEventListener("digitlens:frame", ({ detail }) => this.follow(detail.glyph));
    // While nothing comes, a question finds out whether the server is still there.
    setInterval(() => this.follows && this.refresh(), RETRY);
    this.followed = 0;
    this.cards = [];
    this.chosen = { layer: "conv1", unit: 0 };
    this.isPinned = this.isShown = this.isLoading = false;
    this.detail.addEventListener("click", (event) => this.goToSource(event));
    this.detail.addEventListener("pointerover", (event) => this.pointAtSource(event));
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && this.isShown) this.isPinned = false;
    });
    current.addEventListener("change", () => this.refresh());
    // The two palettes differ, and lists are painted in them.
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.refresh());
  }

  get follows() {
    return this.following.checked;
  }

  /** Take the chosen digit of the live picture. */
  follow(glyph) {
    const now = performance.now();
    if (!this.follows || !this.isShown || !glyph || now - this.followed < FOLLOW_PERIOD) return;
    this.followed = now;
    current.set(glyph, "the live picture");
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
      button.addEventListener("click", () => {
        this.stopFollowing();
        current.set(glyph, `a drawn ${label}`);
      });
      return button;
    });
    this.samples.replaceChildren(...buttons);
    if (!current.glyph) current.set(data.subarray(4 * size, 5 * size), "a drawn 4");
  }

  stopFollowing() {
    if (!this.follows) return;
    this.following.checked = false;
    this.dispatchEvent(new Event("follow"));
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
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.refresh(), RETRY);
      return;
    }
    if (this.wanted !== wanted) return;
    this.values = Object.fromEntries(Object.entries(arrays).map(([name, { data }]) => [name, data]));
    for (const card of this.cards) card.fill(this.values[card.layer.name]);
    this.status.classList.remove("bad");
    const words = `Looking at ${current.from}.`;
    if (this.status.textContent !== words) this.status.textContent = words;
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
  goToSource(event) {
    const cell = event.target.closest("td[data-from]");
    if (!cell) return;
    const { layer } = this.card(this.chosen.layer);
    this.isPinned = true;
    this.choose(layer.source.name, Number(cell.dataset.from));
  }
}

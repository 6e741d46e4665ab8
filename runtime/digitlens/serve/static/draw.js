// Paper to draw on, which is read while one draws.

import { askPacket, Refusal } from "./ask.js";
import { digitAt, paintBoxes, placeOn } from "./paint.js";
import { Sheet } from "./sheet.js";

const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const STEP = 6;
const FAR = 4;
const RETRY = 1000;

export class Draw {
  constructor(model) {
    this.paper = document.getElementById("draw-paper");
    this.overlay = document.getElementById("draw-boxes").getContext("2d");
    this.width = document.getElementById("draw-width");
    this.status = document.getElementById("draw-status");
    this.sheet = new Sheet(document.getElementById("draw-panel"), model, "your drawing", () => this.paintOverlay());
    this.strokes = [];
    this.stroke = null;
    this.pen = { x: this.paper.width / 2, y: this.paper.height / 2, isDown: false };
    this.isReading = this.isChanged = this.hasKeyboard = false;
    this.paper.addEventListener("pointerdown", (event) => this.begin(event));
    this.paper.addEventListener("pointermove", (event) => this.move(event));
    for (const name of ["pointerup", "pointercancel"]) {
      this.paper.addEventListener(name, (event) => {
        if (event.pointerId === this.pointer) this.stroke = null;
      });
    }
    this.paper.addEventListener("keydown", (event) => this.press(event));
    this.paper.addEventListener("blur", () => this.useKeyboard(false));
    document.getElementById("draw-undo").addEventListener("click", () => this.undo());
    document.getElementById("draw-clear").addEventListener("click", () => this.clear());
    this.paint();
    this.sheet.clear();
  }

  show() {}

  begin(event) {
    if (event.button > 0 || !event.isPrimary) return; // a second finger, or the palm
    this.pointer = event.pointerId;
    this.paper.setPointerCapture(event.pointerId);
    this.useKeyboard(false);
    this.start(...placeOn(this.paper, event), event.timeStamp);
  }

  move(event) {
    if (!this.stroke || !event.buttons || event.pointerId !== this.pointer) return;
    const events = event.getCoalescedEvents?.() ?? [];
    for (const each of events.length ? events : [event]) this.add(...placeOn(this.paper, each), event.timeStamp);
  }

  start(x, y, time) {
    this.stroke = { width: Number(this.width.value), points: [[x, y]] };
    this.strokes.push(this.stroke);
    this.paintSince(0);
    this.changed(time);
  }

  add(x, y, time) {
    this.stroke.points.push([x, y]);
    this.paintSince(this.stroke.points.length - 2);
    this.changed(time);
  }

  press(event) {
    if (event.key in STEPS) {
      const step = event.shiftKey ? FAR * STEP : STEP;
      const [across, down] = STEPS[event.key];
      this.pen.x = Math.min(Math.max(this.pen.x + across * step, 0), this.paper.width);
      this.pen.y = Math.min(Math.max(this.pen.y + down * step, 0), this.paper.height);
      if (this.pen.isDown) this.add(this.pen.x, this.pen.y, event.timeStamp);
    } else if (event.key === " ") {
      this.pen.isDown = !this.pen.isDown;
      if (this.pen.isDown) this.start(this.pen.x, this.pen.y, event.timeStamp);
      else this.stroke = null;
    } else if (event.key === "z" && (event.ctrlKey || event.metaKey)) {
      this.undo();
    } else return;
    event.preventDefault();
    this.useKeyboard(true);
  }

  useKeyboard(isUsed) {
    this.hasKeyboard = isUsed;
    if (!isUsed) {
      this.pen.isDown = false;
      this.stroke = null;
    }
    this.paintOverlay();
  }

  undo() {
    this.strokes.pop();
    this.stroke = null;
    this.pen.isDown = false;
    this.paint();
    this.changed(performance.now());
  }

  clear() {
    this.strokes = [];
    this.undo();
  }

  paint() {
    const context = this.paper.getContext("2d");
    context.fillStyle = "#fff";
    context.fillRect(0, 0, this.paper.width, this.paper.height);
    const strokes = this.strokes;
    for (this.stroke of strokes) this.paintSince(0);
    this.stroke = null;
  }

  /** Paint the stroke under way from one of its points on. */
  paintSince(first) {
    const context = this.paper.getContext("2d");
    context.strokeStyle = "#16181c";
    context.lineCap = context.lineJoin = "round";
    context.lineWidth = this.stroke.width;
    context.beginPath();
    context.moveTo(...this.stroke.points[first]);
    for (const point of this.stroke.points.slice(first)) context.lineTo(...point);
    context.stroke();
  }

  paintOverlay() {
    this.overlay.clearRect(0, 0, this.paper.width, this.paper.height);
    paintBoxes(this.overlay, this.sheet.digits, this.sheet.chosen, 1);
    if (!this.hasKeyboard) return;
    this.overlay.fillStyle = this.pen.isDown ? "#1558b0" : "#b3202e";
    this.overlay.beginPath();
    this.overlay.arc(this.pen.x, this.pen.y, 7, 0, 2 * Math.PI);
    this.overlay.fill();
  }

  /** Read what is on the paper, again for as long as it changes meanwhile. */
  async changed(time) {
    this.isChanged = true;
    this.last = time;
    if (this.isReading) return;
    this.isReading = true;
    try {
      await this.readUntilItIsShown();
    } finally {
      this.isReading = false;
    }
  }

  async readUntilItIsShown() {
    while (this.isChanged) {
      this.isChanged = false;
      const since = this.last;
      try {
        await this.read();
        const took = performance.now() - since;
        this.status.textContent = this.strokes.length ? `read ${took.toFixed(0)} ms after the last stroke` : "";
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        this.status.textContent = error.message;
        this.isChanged = true;
        await new Promise((resolve) => setTimeout(resolve, RETRY));
      }
    }
  }

  async read() {
    if (!this.strokes.length) {
      this.sheet.clear();
      this.paintOverlay();
      return;
    }
    const image = await new Promise((resolve) => this.paper.toBlob(resolve));
    const packet = await askPacket("/page/read", image);
    const digits = packet.header.signs.filter((sign) => !sign.dropped);
    const newest = this.strokes.at(-1)?.points.at(-1) ?? [0, 0];
    this.sheet.show(packet, digitAt(digits, ...newest), !this.isChanged);
  }
}

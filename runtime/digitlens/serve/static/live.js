// The live picture over a WebSocket.

import { askJson, Refusal } from "./ask.js";
import { current } from "./current.js";
import { unpack } from "./packet.js";
import { digitAt, download, element, paintBoxes, placeOn } from "./paint.js";
import { Panel } from "./panel.js";

const FIRST_DELAY = 500;
const LAST_DELAY = 5000;
const CLOCK_PERIOD = 5000;
const RATES_PERIOD = 500;

/** How far the server's clock is ahead of this one, from the answer that came fastest. */
class Clock {
  ahead = 0;
  best = Infinity;

  learn(sent, time, now) {
    const trip = now - sent;
    this.best += 1; // so that one fast answer does not count for ever
    if (trip > this.best) return;
    this.best = trip;
    this.ahead = 1000 * time - (sent + now) / 2;
  }

  /** Milliseconds since a moment of the server's, in seconds. */
  since(time) {
    return Date.now() + this.ahead - 1000 * time;
  }
}

export class Live {
  constructor(model) {
    this.canvas = document.getElementById("live-picture");
    this.status = document.getElementById("live-status");
    this.rates = document.getElementById("live-rates");
    this.pauseButton = document.getElementById("live-pause");
    this.againButton = document.getElementById("live-again");
    this.panel = new Panel(document.getElementById("live-panel"), model, {
      choose: (number) => this.choose(number),
      tap: (tap) => this.send({ tap }),
      open: () => {
        current.set(this.newest.arrays.glyph.data, "the live picture");
        location.hash = "#network";
      },
    });
    this.isWanted = this.isPaused = false;
    this.track = null;
    this.newest = this.image = this.socket = null;
    this.delay = FIRST_DELAY;
    this.ratesDue = 0;
    this.pauseButton.addEventListener("click", () => this.pause(!this.isPaused));
    this.againButton.addEventListener("click", () => this.send({ again: true }));
    document.getElementById("live-save").addEventListener("click", () => this.savePicture());
    document.getElementById("live-save-reading").addEventListener("click", () => this.saveReading());
    this.canvas.addEventListener("click", (event) => this.click(event));
    setInterval(() => this.askClock(), CLOCK_PERIOD);
  }

  show(isShown) {
    if (this.isWanted === isShown) return;
    this.isWanted = isShown;
    clearTimeout(this.timer);
    if (isShown) this.connect();
    else this.socket?.close();
  }

  connect() {
    this.clock = new Clock();
    this.last = 0; // the server counts anew when it was started anew
    const url = new URL(`/page/live?paused=${Number(this.isPaused)}`, location.href);
    url.protocol = url.protocol.replace("http", "ws");
    const socket = (this.socket = new WebSocket(url));
    socket.binaryType = "arraybuffer";
    socket.addEventListener("open", () => {
      this.delay = FIRST_DELAY;
      this.askClock();
      this.send({ paused: this.isPaused });
      if (this.panel.taps.value) this.send({ tap: this.panel.taps.value });
      if (this.track !== null) this.send({ track: this.track });
    });
    socket.addEventListener("message", ({ data }) => {
      if (socket !== this.socket) return;
      if (typeof data === "string") this.hear(JSON.parse(data));
      else this.receive(unpack(data));
    });
    socket.addEventListener("close", () => {
      if (socket === this.socket && this.isWanted) this.lost();
    });
  }

  async lost() {
    const seconds = this.delay / 1000;
    this.timer = setTimeout(() => this.connect(), this.delay);
    this.delay = Math.min(2 * this.delay, LAST_DELAY);
    let reason = "The live picture broke off.";
    try {
      const { viewers, viewers_at_most: most } = await askJson("/api/health");
      if (viewers >= most) reason = `${viewers} watch already, and no more can.`;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      reason = error.message;
    }
    if (this.socket.readyState !== WebSocket.OPEN) this.say(`${reason} Trying again in ${seconds} s.`, true);
  }

  send(wish) {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(wish));
  }

  askClock() {
    this.send({ clock: Date.now() });
  }

  hear(message) {
    if ("clock" in message) {
      this.clock.learn(message.clock, message.time, Date.now());
      return;
    }
    const isBad = message.state === "failed" || message.state === "lost";
    const words = { opening: `Opening ${message.message} …`, asleep: "Starting …" };
    this.say(words[message.state] ?? message.message, isBad);
    if (message.state === "failed") this.clear();
    this.againButton.hidden = message.state !== "ended" && message.state !== "failed";
  }

  /** Show nothing, since nothing is seen. */
  clear() {
    this.newest = null;
    this.canvas.getContext("2d").clearRect(0, 0, this.canvas.width, this.canvas.height);
    this.panel.showReading("", [], null);
    this.rates.replaceChildren();
  }

  say(words, isBad) {
    if (this.status.textContent !== words) this.status.textContent = words;
    this.status.classList.toggle("bad", isBad);
  }

  async receive(packet) {
    const { header, arrays } = packet;
    const { socket } = this;
    if (arrays.jpeg.data.length) {
      const image = await createImageBitmap(new Blob([arrays.jpeg.data], { type: "image/jpeg" }));
      if (socket !== this.socket) return;
      this.send({ seen: header.number });
      if (header.number < this.last) return; // it was decoded more slowly than the one after it
      this.last = header.number;
      this.image?.close();
      this.image = image;
    }
    this.newest = packet;
    this.paint();
    document.dispatchEvent(
      new CustomEvent("digitlens:frame", {
        detail: { number: header.number, captured: header.captured, glyph: arrays.glyph?.data },
      }),
    );
  }

  paint() {
    const { header, arrays } = this.newest;
    const { reading, chosen } = header;
    this.canvas.width = this.image.width;
    this.canvas.height = this.image.height;
    const context = this.canvas.getContext("2d");
    context.drawImage(this.image, 0, 0);
    paintBoxes(context, reading.digits, chosen, this.image.width / reading.width);
    this.panel.showReading(reading.text, reading.digits, chosen);
    if (chosen !== null) {
      this.panel.showDigit(arrays.glyph.data, arrays.probabilities.data, header.reason);
      if (arrays.maps) this.panel.showMaps(header.tap, arrays.maps.data, header.least, header.greatest);
    }
    this.showRates();
  }

  showRates() {
    if (this.isPaused || performance.now() < this.ratesDue) return;
    this.ratesDue = performance.now() + RATES_PERIOD;
    const age = this.clock.since(this.newest.header.captured);
    const { captured, read, dropped, cpu } = this.newest.header.stats;
    const rows = {
      "age on screen": `${age.toFixed(0)} ms`,
      captured: `${captured.toFixed(1)}/s`,
      read: `${read.toFixed(1)}/s`,
      dropped: String(dropped),
      "reading takes": `${this.newest.header.reading.elapsed_ms.toFixed(1)} ms`,
      "server CPU": `${cpu.toFixed(2)} of a core`,
    };
    this.rates.replaceChildren(
      ...Object.entries(rows).map(([name, value]) =>
        element("div", {}, element("dt", {}, name), element("dd", {}, value)),
      ),
    );
  }

  pause(isPaused) {
    this.isPaused = isPaused;
    this.pauseButton.setAttribute("aria-pressed", String(isPaused));
    this.send({ paused: isPaused });
  }

  choose(number) {
    if (!this.newest) return;
    this.track = this.newest.header.tracks[number] ?? number;
    this.send({ track: this.track });
  }

  click(event) {
    if (!this.newest) return;
    const { reading } = this.newest.header;
    const scale = reading.width / this.canvas.width;
    const [x, y] = placeOn(this.canvas, event);
    const number = digitAt(reading.digits, x * scale, y * scale);
    if (number >= 0) this.choose(number);
  }

  savePicture() {
    if (this.newest) this.canvas.toBlob((blob) => download(blob, ".png"));
  }

  saveReading() {
    if (!this.newest) return;
    const text = `${JSON.stringify(this.newest.header.reading)}\n`;
    download(new Blob([text], { type: "application/json" }), ".json");
  }
}

// A picture from elsewhere: how it is read, and why something in it is a digit or none.

import { askPacket, Refusal } from "./ask.js";
import { digitAt, element, paintBoxes, paintGray, placeOn } from "./paint.js";
import { percent } from "./panel.js";
import { Sheet } from "./sheet.js";

export class Photo {
  constructor(model) {
    this.status = document.getElementById("photo-status");
    this.result = document.getElementById("photo-result");
    this.canvas = document.getElementById("photo-picture");
    this.steps = document.getElementById("photo-steps");
    this.signs = document.getElementById("photo-signs");
    this.note = document.getElementById("photo-signs-note");
    this.video = document.getElementById("photo-video");
    this.viewfinder = document.getElementById("photo-viewfinder");
    this.drop = document.getElementById("photo-drop");
    this.sheet = new Sheet(document.getElementById("photo-panel"), model, "your photo", () => this.paint());
    this.isShown = false;
    this.image = this.stream = null;
    this.opening = this.asked = 0; // counted, so that what comes too late is dropped
    this.listen();
  }

  listen() {
    for (const id of ["photo-file", "photo-capture"]) {
      const input = document.getElementById(id);
      input.addEventListener("change", () => {
        if (input.files.length) this.read(input.files[0]);
        input.value = "";
      });
    }
    window.addEventListener("dragover", (event) => {
      event.preventDefault();
      this.drop.classList.add("over");
    });
    window.addEventListener("dragleave", () => this.drop.classList.remove("over"));
    window.addEventListener("drop", (event) => {
      event.preventDefault();
      this.drop.classList.remove("over");
      this.take(event.dataTransfer.files);
    });
    document.addEventListener("dragend", () => this.drop.classList.remove("over"));
    document.addEventListener("paste", (event) => this.take(event.clipboardData.files));
    this.canvas.addEventListener("click", (event) => this.click(event));
    const camera = document.getElementById("photo-camera");
    camera.hidden = !navigator.mediaDevices?.getUserMedia; // only where the page came securely
    camera.addEventListener("click", () => this.openCamera());
    document.getElementById("photo-take").addEventListener("click", () => this.takePicture());
    document.getElementById("photo-stop").addEventListener("click", () => this.closeCamera());
  }

  show(isShown) {
    this.isShown = isShown;
    if (!isShown) this.closeCamera();
  }

  take(files) {
    if (!files.length) return;
    if (!this.isShown) location.hash = "#photo";
    this.read(files[0], files.length > 1 ? `Of ${files.length} files the first was taken: ` : "");
  }

  async openCamera() {
    this.closeCamera();
    const number = ++this.opening;
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({
        video: { facingMode: "environment", width: { ideal: 1920 } },
      });
    } catch (error) {
      this.say(`The camera cannot be used: ${error.message}`, true);
      return;
    }
    if (number !== this.opening || !this.isShown) {
      stream.getTracks().forEach((track) => track.stop());
      return;
    }
    this.stream = this.video.srcObject = stream;
    this.viewfinder.hidden = false;
    await this.video.play().catch(() => {}); // it was closed meanwhile
  }

  closeCamera() {
    this.opening++;
    this.stream?.getTracks().forEach((track) => track.stop());
    this.stream = null;
    this.viewfinder.hidden = true;
  }

  async takePicture() {
    if (!this.video.videoWidth) return;
    const picture = new OffscreenCanvas(this.video.videoWidth, this.video.videoHeight);
    picture.getContext("2d").drawImage(this.video, 0, 0);
    await this.read(await picture.convertToBlob({ type: "image/jpeg", quality: 0.95 }));
  }

  say(words, isBad = false) {
    this.status.textContent = words;
    this.status.classList.toggle("bad", isBad);
  }

  async read(file, note = "") {
    const number = ++this.asked;
    this.say("Reading …");
    let packet;
    try {
      packet = await askPacket("/page/read?steps=1", file);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (number !== this.asked) return;
      this.result.hidden = true;
      this.say(error.message, true);
      return;
    }
    const { reading } = packet.header;
    const image = await createImageBitmap(jpeg(packet.arrays.frame));
    if (number !== this.asked) return;
    this.image?.close();
    this.image = image;
    this.scale = image.width / reading.width;
    this.result.hidden = false;
    this.sheet.show(packet);
    this.showSteps(packet);
    this.showSigns(packet.header);
    const many = reading.digits.length === 1 ? "digit" : "digits";
    const size = `${reading.width}×${reading.height} pixels`;
    this.say(`${note}${reading.digits.length} ${many} in ${size}, read in ${reading.elapsed_ms.toFixed(1)} ms`);
  }

  paint() {
    if (!this.image) return;
    this.canvas.width = this.image.width;
    this.canvas.height = this.image.height;
    const context = this.canvas.getContext("2d");
    context.drawImage(this.image, 0, 0);
    const dropped = this.sheet.signs.filter((sign) => sign.dropped);
    paintBoxes(context, dropped, null, this.scale);
    paintBoxes(context, this.sheet.digits, this.sheet.chosen, this.scale);
  }

  click(event) {
    const [x, y] = placeOn(this.canvas, event);
    const number = digitAt(this.sheet.digits, x / this.scale, y / this.scale);
    if (number >= 0) this.sheet.choose(number);
  }

  showSteps({ header, arrays }) {
    for (const image of this.steps.querySelectorAll("img")) URL.revokeObjectURL(image.src);
    const figures = header.steps.map((words, number) => {
      const src = URL.createObjectURL(jpeg(arrays[`step${number}`]));
      return element("figure", {}, element("img", { src, alt: words }), element("figcaption", {}, words));
    });
    const none = element("p", {}, "An image of 28×28 pixels is taken as one digit, and not searched.");
    this.steps.replaceChildren(...(figures.length ? figures : [none]));
  }

  showSigns({ signs, dropped }) {
    const shown = signs.filter((sign) => sign.dropped).length;
    this.note.textContent = dropped > shown ? `${dropped} signs were dropped; these are the largest ${shown}.` : "";
    this.signs.replaceChildren(...signs.map((sign, number) => this.card(sign, number)));
  }

  card(sign, number) {
    const glyph = element("canvas", { class: "glyph", role: "img", "aria-label": "What the network was given" });
    paintGray(glyph, this.sheet.glyph(number), 32);
    const kind = sign.dropped ? "dropped" : sign.sure ? "sure" : "unsure";
    const words = element("div", {}, element("p", {}, `${sign.label}  ${percent(sign.confidence)}`));
    words.append(element("p", { class: kind }, sign.dropped ? `dropped: ${sign.reason}` : sign.reason || "sure"));
    return element("li", {}, glyph, words);
  }
}

function jpeg({ data }) {
  return new Blob([data], { type: "image/jpeg" });
}

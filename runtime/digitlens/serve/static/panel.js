// What is known of a reading: its text, its digits, and of one of them glyph, outputs and maps.

import { element, paintGray, panelGrid } from "./paint.js";

/** A share as text: 99.87 %. */
export function percent(share) {
  return `${(100 * share).toFixed(2)} %`;
}

export class Panel {
  /**
   * @param {HTMLElement} root to be filled.
   * @param {{taps: {name: string, shape: number[]}[], labels: number[]}} model its contract.
   * @param {{choose: function(number), tap: function(string), open: function()}} wishes
   *   what is called when a digit or a tap is chosen, or the network is to be shown.
   */
  constructor(root, model, wishes) {
    this.model = model;
    this.wishes = wishes;
    this.text = element("output", { class: "text", "aria-label": "What is read" });
    this.choices = element("ul", { class: "choices", "aria-label": "Digits" });
    this.glyph = element("canvas", { class: "glyph", role: "img", "aria-label": "Glyph, not there yet" });
    this.outputs = element("ul", { class: "outputs", "aria-label": "The ten outputs" });
    this.rows = model.labels.map((label) => {
      const bar = element("span", { class: "bar", "aria-hidden": "true" });
      const share = element("span", { class: "share" });
      const row = element("li", {}, element("span", {}, String(label)), bar, share);
      this.outputs.append(row);
      return { row, bar, share };
    });
    this.taps = element("select", {}, ...model.taps.map((tap) => element("option", {}, tap.name)));
    this.taps.addEventListener("change", () => wishes.tap(this.taps.value));
    this.range = element("span", { class: "rates" });
    this.maps = element("canvas", { class: "maps", role: "img", "aria-label": "Maps, not there yet" });
    this.reason = element("p", { class: "unsure" });
    const open = element("button", { type: "button" }, "Open in Network");
    open.addEventListener("click", wishes.open);
    this.one = element(
      "div",
      {},
      element("div", { class: "seen" }, this.glyph, this.outputs),
      this.reason,
      element("div", { class: "tools" }, element("label", {}, "Maps of ", this.taps), open),
      this.maps,
      this.range,
    );
    this.one.hidden = true;
    root.replaceChildren(this.text, this.choices, this.one);
  }

  get tap() {
    return this.model.taps.find((tap) => tap.name === this.taps.value);
  }

  /** Show the text and the digits; `chosen` is the number of one, or null. */
  showReading(text, digits, chosen) {
    const shown = digits.length ? text : "no digits";
    if (this.text.value !== shown) this.text.value = shown;
    while (this.choices.children.length > digits.length) this.choices.lastChild.remove();
    while (this.choices.children.length < digits.length) this.addChoice(this.choices.children.length);
    digits.forEach((digit, number) => {
      const button = this.choices.children[number].firstChild;
      const words = `${digit.label}${digit.sure ? "" : "?"} ${(100 * digit.confidence).toFixed(0)} %`;
      const span = button.firstChild;
      if (span.textContent !== words) span.textContent = words;
      span.className = digit.sure ? "" : "unsure";
      button.setAttribute("aria-pressed", String(number === chosen));
    });
    this.one.hidden = chosen === null || chosen < 0;
  }

  addChoice(number) {
    const button = element("button", { type: "button" }, element("span"));
    button.addEventListener("click", () => this.wishes.choose(number));
    this.choices.append(element("li", {}, button));
  }

  /** Show one digit: grey levels, probabilities, and why it is not sure. */
  showDigit(glyph, probabilities, reason) {
    paintGray(this.glyph, glyph, Math.sqrt(glyph.length));
    let best = 0;
    probabilities.forEach((share, label) => {
      if (share > probabilities[best]) best = label;
    });
    this.glyph.setAttribute("aria-label", `What the network was given: a ${this.model.labels[best]}`);
    probabilities.forEach((share, label) => {
      const { row, bar, share: words } = this.rows[label];
      row.className = label === best ? "best" : "";
      bar.style.transform = `scaleX(${share})`;
      words.textContent = percent(share);
    });
    this.reason.textContent = reason;
  }

  /** Show a tap: its maps in levels 0…255, and the least and the greatest value. */
  showMaps(name, levels, least, greatest) {
    const tap = this.model.taps.find((each) => each.name === name);
    panelGrid(tap.shape).paint(this.maps, levels);
    this.maps.setAttribute("aria-label", `${name}: ${tap.shape.join("×")}`);
    this.range.textContent = `${tap.layer}, values ${least.toFixed(2)} to ${greatest.toFixed(2)}`;
  }
}

// A panel for a picture that was read at once: choosing a digit, and fetching its maps.

import { askPacket, Refusal } from "./ask.js";
import { current } from "./current.js";
import { levelsOf } from "./paint.js";
import { Panel } from "./panel.js";

const GLYPH = 32 * 32;

export class Sheet {
  /**
   * @param {HTMLElement} root to be filled with the panel.
   * @param {object} model its contract.
   * @param {string} from where the digits come from, in words.
   * @param {function()} onChange called when another digit is chosen.
   */
  constructor(root, model, from, onChange) {
    this.labels = model.labels.length;
    this.onChange = onChange;
    this.signs = [];
    this.chosen = null;
    this.panel = new Panel(root, model, {
      choose: (number) => this.choose(number),
      tap: () => this.showMaps(),
      open: () => {
        current.set(this.glyph(this.chosen), from);
        location.hash = "#network";
      },
    });
  }

  get digits() {
    return this.signs.filter((sign) => !sign.dropped);
  }

  /** Grey levels of a sign. */
  glyph(number) {
    return this.glyphs.subarray(number * GLYPH, (number + 1) * GLYPH);
  }

  /** Probabilities of a sign. */
  outputs(number) {
    return this.probabilities.subarray(number * this.labels, (number + 1) * this.labels);
  }

  /** Show what /page/read answered, and of that the digit of a number; its maps if there is time. */
  show({ header, arrays }, number = 0, hasTime = true) {
    this.text = header.reading.text;
    this.signs = header.signs;
    this.glyphs = arrays.glyphs.data;
    this.probabilities = arrays.probabilities.data;
    this.choose(this.digits.length ? Math.min(Math.max(number, 0), this.digits.length - 1) : null, hasTime);
  }

  clear() {
    this.signs = [];
    this.chosen = null;
    this.panel.showReading("", [], null);
  }

  choose(number, hasTime = true) {
    this.chosen = number;
    this.panel.showReading(this.text, this.digits, number);
    if (number !== null) {
      this.panel.showDigit(this.glyph(number), this.outputs(number), this.signs[number].reason);
      if (hasTime) this.showMaps();
    }
    this.onChange();
  }

  async showMaps() {
    const { tap } = this.panel;
    if (this.chosen === null || !tap) return;
    const wanted = (this.wanted = {});
    let arrays;
    try {
      ({ arrays } = await askPacket("/page/activations", this.glyph(this.chosen).slice()));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return; // whoever reads the next picture says so
    }
    if (this.wanted !== wanted) return;
    const values = arrays[tap.name].data;
    this.panel.showMaps(tap.name, levelsOf(values, tap.shape), Math.min(...values), Math.max(...values));
  }
}

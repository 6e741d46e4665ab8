// The digit that the Network view shows; every other view may set it.

class Current extends EventTarget {
  /** Grey levels of the glyph, 32×32, and where it comes from. */
  glyph = null;
  from = "";

  set(glyph, from) {
    this.glyph = glyph.slice();
    this.from = from;
    this.dispatchEvent(new Event("change"));
  }
}

export const current = new Current();

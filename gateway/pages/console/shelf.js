/* The offers of a sale with their counts: found, sorted, a page at a time. No DOM here. */

export const COUNTS = ["available", "held", "allotted", "sold", "redeemed", "voided", "returned", "released"];
const PAGE = 50;

/** Holds all offers, and which of them are looked at. */
export class Shelf {
  constructor() {
    this.offers = [];
    this.words = [];
    this.order = ["title", false];
    this.page = 0;
  }

  /** Take the counts of all offers, named by what the sale's shelf tells of them. */
  take(counts, named) {
    const byId = new Map(named.map((one) => [one.offer, one]));
    this.offers = counts.map((one) => {
      const told = byId.get(one.offer);
      const title = told?.title ?? one.offer;
      const place = told ? [told.city, told.venue_title, told.drop].filter(Boolean).join(" · ") : "";
      return { ...one, title, place, text: `${one.offer} ${title} ${place}`.toLowerCase() };
    });
  }

  /** Show only offers in which every word of the text stands. */
  find(text) {
    this.words = text.toLowerCase().split(/\s+/).filter(Boolean);
    this.page = 0;
  }

  /** Sort by a column; by the same again, the other way round. Numbers begin with the most. */
  sortBy(name) {
    const [by, down] = this.order;
    this.order = [name, by === name ? !down : COUNTS.includes(name)];
    this.page = 0;
  }

  turnTo(page) {
    this.page = page;
  }

  /** The rows of the page that is looked at, and where it stands. */
  shown() {
    const [by, down] = this.order;
    const found = this.offers.filter((one) => this.words.every((word) => one.text.includes(word)));
    const compare = COUNTS.includes(by) ? (one, other) => one[by] - other[by] : (one, other) => one[by].localeCompare(other[by]);
    found.sort((one, other) => (down ? -1 : 1) * compare(one, other) || one.offer.localeCompare(other.offer));
    const last = Math.max(0, Math.ceil(found.length / PAGE) - 1);
    const page = Math.min(this.page, last);
    return { rows: found.slice(page * PAGE, (page + 1) * PAGE), from: page * PAGE, found: found.length, all: this.offers.length, page, last };
  }
}

/* A sensible body for each call that takes one, out of what this partner has. */

/** The example of an operation, or null. `facts`: sale, offer. */
export function exampleOf(operation, { sale, offer }) {
  const line = { offer, quantity: 1 };
  switch (operation) {
    case "partner_order": return { sale, buyer: "user-77", reference: "A-1001", lines: [line] };
    case "partner_batch": return { orders: [{ key: "order-1003", sale, buyer: "user-79", lines: [line] }, { key: "order-1004", sale, buyer: "user-80", lines: [line] }] };
    case "partner_report": return { lines: [{ unit: 1, amount_minor: 380, reference: "A-2001" }] };
    case "partner_give_back": return { units: [1] };
    case "partner_refund": return {};
    case "partner_rotate": return { overlap_s: 86400 };
    case "shopper_confirm": return { reference: "A-1005" };
    default: return null;
  }
}

/** What a path or query parameter may be set to at first. */
export function valueOf(name, { sale, allotment, day }) {
  return { sale, allotment, date: day, last: "", after: "", limit: "", position: "1" }[name] ?? "";
}

/* Which revision of the room a change was begun on: what others change meanwhile is told, not overwritten. */

/**
 * What an operator looked at when a form was first touched, or an act pressed. Own changes since then
 * were seen by the one who made them; who was told of another's may send the form again.
 */
export class Seen {
  constructor(feed, form = null) {
    this.feed = feed;
    this.on = null;
    form?.addEventListener("input", () => this.look());
  }

  /** Remember the revision that is shown, unless one is remembered. */
  look() {
    this.on ??= this.feed.board?.room?.revision ?? null;
  }

  /** One change: `send` is given the headers that name the revision, and returns the answer. */
  async write(send) {
    this.look();
    const { mine } = this.feed;
    let { on } = this;
    while (mine.has(on)) on = mine.get(on);
    this.on = null;
    const answer = await send(on === null ? {} : { "If-Match": `"${on}"` });
    const isMine = answer?.ok && answer.headers.get("Idempotent-Replayed") !== "true";
    if (isMine && answer.headers.get("ETag") === `"${on + 1}"`) mine.set(on, on + 1);
    return answer;
  }
}

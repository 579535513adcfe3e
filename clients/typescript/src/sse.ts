/** One event of a `text/event-stream`. */
export interface ServerSentEvent {
  type: string;
  /** The lines of its data, joined by line feeds. */
  data: string;
  /** The last id that the stream gave, by this event or an earlier one. */
  id: string;
}

/** Reads `text/event-stream`, in pieces cut anywhere. Comments, unknown fields and an event that was not finished are passed over. */
export class EventStreamParser {
  #line = '';
  #skipLineFeed = false;
  #type = '';
  #data: string[] = [];
  #id = '';

  /** The events that `chunk` completes. */
  feed(chunk: string): ServerSentEvent[] {
    const events: ServerSentEvent[] = [];
    for (const line of this.#lines(chunk)) {
      if (line !== '') {
        this.#field(line);
      } else {
        if (this.#data.length > 0) events.push({ type: this.#type || 'message', data: this.#data.join('\n'), id: this.#id });
        this.#type = '';
        this.#data = [];
      }
    }
    return events;
  }

  *#lines(chunk: string): Generator<string> {
    // A carriage return ends its line at once; a line feed that begins the next chunk belongs to it.
    let rest = this.#skipLineFeed && chunk.startsWith('\n') ? chunk.slice(1) : chunk;
    if (chunk !== '') this.#skipLineFeed = chunk.endsWith('\r');
    for (let end = rest.search(/[\r\n]/); end >= 0; end = rest.search(/[\r\n]/)) {
      yield this.#line + rest.slice(0, end);
      this.#line = '';
      rest = rest.slice(end + (rest.startsWith('\r\n', end) ? 2 : 1));
    }
    this.#line += rest;
  }

  #field(line: string): void {
    const [, name, value = ''] = /^([^:]*)(?::\x20?([^]*))?$/.exec(line) ?? [];
    if (name === 'event') this.#type = value;
    else if (name === 'data') this.#data.push(value);
    else if (name === 'id' && !value.includes('\0')) this.#id = value;
  }
}

/**
 * How the values of preferences become JavaScript values, and back. Only values pass through it; the rest of an answer never does.
 *
 * The default is `JSON`, for which every number is a double: `9007199254740993` loses its last digit and `1.0` becomes `1`. A parser that
 * keeps numbers whole can stand here, or `{ parse: (text) => text, stringify: (text) => text }` to handle exact texts.
 */
export interface JsonCodec {
  parse(text: string): unknown;
  stringify(value: unknown): string;
}

export const nativeJson: JsonCodec = {
  parse: (text) => JSON.parse(text),
  stringify: (value) => JSON.stringify(value),
};

/** The JSON text of `value`. Throws a TypeError for what JSON cannot say, such as `undefined`. */
export function textOf(codec: JsonCodec, value: unknown): string {
  const text: unknown = value === undefined ? undefined : codec.stringify(value);
  if (typeof text !== 'string') throw new TypeError(`not a JSON value: ${String(value)}`);
  return text;
}

/** The JSON text of an object with these members, whose values are JSON texts already. Members without a value are left out. */
export function objectText(members: Iterable<readonly [name: string, text: string | undefined]>): string {
  const parts = [...members].flatMap(([name, text]) => (text === undefined ? [] : [`${JSON.stringify(name)}:${text}`]));
  return `{${parts.join(',')}}`;
}

/** The members of the JSON object that `text` is, each as its own unaltered text. Throws a SyntaxError when it is none. */
export function members(text: string): Map<string, string> {
  const found = new Map<string, string>();
  const scanner = new Scanner(text);
  scanner.expect('{');
  if (!scanner.takes('}')) {
    do {
      const name = JSON.parse(scanner.value()) as string;
      scanner.expect(':');
      found.set(name, scanner.value());
    } while (scanner.takes(','));
    scanner.expect('}');
  }
  return found;
}

/** The elements of the JSON array that `text` is, each as its own unaltered text. Throws a SyntaxError when it is none. */
export function elements(text: string): string[] {
  const found: string[] = [];
  const scanner = new Scanner(text);
  scanner.expect('[');
  if (!scanner.takes(']')) {
    do found.push(scanner.value());
    while (scanner.takes(','));
    scanner.expect(']');
  }
  return found;
}

/** Finds where values end. What is inside of them is for a parser to judge. */
class Scanner {
  #at = 0;

  constructor(readonly text: string) {}

  /** Steps over `character` and the space before it, if it comes next. */
  takes(character: string): boolean {
    this.#skip(/[ \t\r\n]*/y);
    if (this.text[this.#at] !== character) return false;
    this.#at += 1;
    return true;
  }

  expect(character: string): void {
    if (!this.takes(character)) throw this.#error();
  }

  /** The text of the value that comes next. */
  value(): string {
    this.#skip(/[ \t\r\n]*/y);
    const start = this.#at;
    let depth = 0;
    do {
      this.#skip(/[^"[\]{}:,\s]*/y);
      const character = this.text[this.#at];
      if (character === '"') this.#string();
      else if (character === '{' || character === '[') depth += this.#step(1);
      else if ((character === '}' || character === ']') && depth > 0) depth += this.#step(-1);
      else if (character === undefined && depth > 0) throw this.#error();
      else if (depth > 0) this.#step(0);
    } while (depth > 0);
    if (this.#at === start) throw this.#error();
    return this.text.slice(start, this.#at);
  }

  #string(): void {
    do {
      this.#at += this.text[this.#at] === '\\' ? 2 : 1;
      if (this.#at >= this.text.length) throw this.#error();
    } while (this.text[this.#at] !== '"');
    this.#at += 1;
  }

  #step(deeper: number): number {
    this.#at += 1;
    return deeper;
  }

  #skip(pattern: RegExp): void {
    pattern.lastIndex = this.#at;
    this.#at += pattern.exec(this.text)?.[0].length ?? 0;
  }

  #error(): SyntaxError {
    return new SyntaxError(`unexpected JSON at position ${this.#at}`);
  }
}

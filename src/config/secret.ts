import { inspect } from 'node:util'

/**
 * A value that must not be shown. It prints as `[NAME]` wherever it is turned into text; only `reveal()` gives the
 * value, and only the runners (which write it to a child's stdin) and the masking in `ui/` call it.
 */
export class Secret {
  readonly name: string
  readonly #value: string

  constructor(name: string, value: string) {
    this.name = name
    this.#value = value
  }

  reveal(): string {
    return this.#value
  }

  /** A secret made from this one, under the same name: base64 of it, a file that contains it. */
  map(transform: (value: string) => string): Secret {
    return new Secret(this.name, transform(this.#value))
  }

  toString(): string {
    return `[${this.name}]`
  }

  toJSON(): string {
    return this.toString()
  }

  [inspect.custom](): string {
    return this.toString()
  }
}

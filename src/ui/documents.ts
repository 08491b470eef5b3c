import { type JsonLine, jsonLine } from './json-lines.ts'
import type { Printer } from './printer.ts'

/** JSON on stdout: one document or, where a release is told line by line, one in each line, the result last. */
export class Documents {
  readonly #printer: Printer
  readonly #isLines: boolean
  #hasSome = false
  /** The result, while it may not be the last line yet. */
  #result: object | undefined

  constructor(printer: Printer, isLines: boolean) {
    this.#printer = printer
    this.#isLines = isLines
  }

  /** Whether an error can be one more: two documents would be none, but for lines. */
  get hasRoom(): boolean {
    return this.#isLines || !this.#hasSome
  }

  result(value: object): void {
    if (this.#isLines) this.#result = value
    else this.put(value, 2)
  }

  /** A line of its own, where there are lines. */
  line(type: JsonLine['type'], value: object): void {
    if (this.#isLines) this.put(jsonLine(type, value))
  }

  /** Nothing comes after the result, but for an error. */
  conclude(): void {
    if (this.#result) this.line('result', this.#result)
    this.#result = undefined
  }

  /** Masked before it is JSON, so that it stays JSON when a port is the same as somebody's PIN. */
  put(value: unknown, indent = 0): void {
    const masked = (_: string, one: unknown) => (typeof one === 'string' ? this.#printer.mask(one) : one)
    const json = JSON.stringify(value, masked, indent)
    this.#printer.put('stdout', this.#printer.isOnGitHub ? undisturbed(json) : json)
    this.#hasSome = true
  }
}

/** The same to all who read JSON, but for GitHub's runner, which finds no command in it. */
function undisturbed(json: string): string {
  return json.replaceAll('##[', '##\\u005b')
}

import { Chalk, type ChalkInstance } from 'chalk'
import type { Secret } from '../config/secret.ts'
import { beginGroup, defused, endGroup, isGitHub, maskCommands } from './github.ts'
import { isReadByRunner } from './github-step.ts'
import { harmless } from './harmless.ts'
import { type Live, startLive } from './live.ts'
import { createMask, shortest } from './mask.ts'
import { renderTable, type Table } from './table.ts'
import { columnsOf, inCharactersOf, isColoured } from './terminal.ts'
import { wrap } from './wrap.ts'

export type Streams = {
  stdout: NodeJS.WriteStream
  stderr: NodeJS.WriteStream
  stdin: NodeJS.ReadStream
  environment: Readonly<Record<string, string | undefined>>
  directory: string
}

type To = 'stdout' | 'stderr'

/**
 * Writes to the two streams of this process: through the mask, in lines and characters that fit, above what is shown live,
 * and in the groups that GitHub folds.
 */
export class Printer {
  readonly streams: Streams
  readonly colour: ChalkInstance
  #secrets: readonly Secret[] = []
  #mask = createMask([])
  #live: Live | undefined
  /** What GitHub's runner has been told to fold, while it is written. */
  #group: string | undefined
  /** Shows what has been kept for a moment, before something else is shown. */
  readonly #showKept: () => void

  constructor(streams: Streams, showKept: () => void) {
    this.streams = streams
    this.colour = new Chalk({ level: isColoured(streams.stderr, streams.environment) ? 1 : 0 })
    this.#showKept = showKept
  }

  hide(secrets: readonly Secret[]): void {
    const told = new Set(maskCommands(this.#secrets, shortest))
    this.#secrets = [...this.#secrets, ...secrets]
    this.#mask = createMask(this.#secrets)
    if (this.isOnGitHub) this.commands(maskCommands(secrets, shortest).filter(line => !told.has(line)))
  }

  get group(): string | undefined {
    return this.#group
  }

  get secrets(): readonly Secret[] {
    return this.#secrets
  }

  mask(text: string): string {
    return this.#mask(text)
  }

  /** Masked, and without characters that the terminal has not. */
  readable(text: string): string {
    return inCharactersOf(this.streams.environment, this.#mask(text))
  }

  /** Whether GitHub's runner reads what is written. */
  get isOnGitHub(): boolean {
    return isGitHub(this.streams.environment, this.streams.stderr)
  }

  /** Whether somebody reads it line by line, and no program that wants what was written to the byte. */
  isForPeople(to: To): boolean {
    const { [to]: stream, environment } = this.streams
    return stream.isTTY || (this.isOnGitHub && isReadByRunner(stream, environment.GITHUB_RUN_ID ?? ''))
  }

  /** How wide results may be. */
  get columns(): number | undefined {
    return columnsOf(this.streams.stdout, this.streams.environment)
  }

  /** How wide narration may be. */
  get width(): number | undefined {
    return columnsOf(this.streams.stderr, this.streams.environment)
  }

  /** Words of ours, in lines that fit. They are masked before they are moved, for a secret may have spaces in it. */
  tell(text: string, group?: string): void {
    this.print(wrap(this.readable(text), this.width), group)
  }

  /** What keeps its lines: words of others, and what can be pasted. */
  print(text: string, group?: string): void {
    this.#enter(group)
    this.#writeLines('stderr', this.readable(text))
  }

  /** A result, whole lines that are as they shall be. */
  put(to: To, text: string): void {
    this.#enter(undefined)
    this.#writeLines(to, text)
  }

  /** Neither a terminal nor GitHub's runner does anything of what others have written, wherever it comes to stand. */
  #writeLines(to: To, text: string): void {
    const shown = this.streams[to].isTTY ? text.split(/\r?\n/).map(harmless).join('\n') : text
    this.write(to, `${this.isOnGitHub ? defused(shown) : shown}\n`)
  }

  /** To the byte, and past the mask. */
  write(to: To, text: string | Uint8Array): void {
    const print = () => void this.streams[to].write(text)
    if (this.#live) this.#live.above(print)
    else print()
  }

  /** For GitHub's runner, past the mask, which the names of secrets would not get past. */
  commands(lines: readonly string[]): void {
    this.write('stderr', lines.map(line => `${line}\n`).join(''))
  }

  /** Masked cell by cell, since words of a cell may come to stand in several lines. */
  render({ head, rows }: Table, width: number | undefined): string {
    const masked = rows.map(row => row.map(cell => this.#mask(cell)))
    return renderTable(head, masked, width)
  }

  /** What shows, in the last lines of the terminal, what is going on. */
  get live(): Live | undefined {
    return this.#live
  }

  /** Has the last lines of the terminal live for as long as `work` runs. */
  async withLive<T>(work: () => Promise<T>): Promise<T> {
    const { stderr: stream, environment } = this.streams
    const live = startLive({ stream, environment, colour: this.colour, mask: text => this.#mask(text) })
    this.#live = live
    try {
      return await work()
    } finally {
      this.#showKept()
      this.#live = undefined
      live.end()
    }
  }

  /** With the terminal for itself. */
  alone<T>(use: () => Promise<T>): Promise<T> {
    return this.#live ? this.#live.without(use) : use()
  }

  /** Begins a group, and ends the one before. */
  #enter(group: string | undefined): void {
    this.#showKept()
    if (!this.isOnGitHub || group === this.#group) return
    this.commands([...(this.#group ? [endGroup] : []), ...(group ? [beginGroup(group)] : [])])
    this.#group = group
  }
}

import { createInterface } from 'node:readline/promises'
import { Chalk, type ChalkInstance } from 'chalk'
import { InvalidConfig, type Problem } from '../config/problem.ts'
import type { Secret } from '../config/secret.ts'
import type { Event } from '../deploy/event.ts'
import { failedReleaseIn } from '../deploy/failed-release.ts'
import { JijiError } from '../errors.ts'
import { lineReader } from '../runner/line-reader.ts'
import type { Runner, Terminal } from '../runner/runner.ts'
import { pasted, pastedAtTerminal } from '../shell/pasted.ts'
import type { Script } from '../shell/script.ts'
import { readable } from './alike.ts'
import { askSecret } from './ask-secret.ts'
import { type Ask, asking } from './asking.ts'
import { errorText } from './error-text.ts'
import { isShownLive, renderEvent } from './event.ts'
import { firstLines } from './first-lines.ts'
import { annotations, beginGroup, defused, endGroup, groupOf, isGitHub, maskCommands } from './github.ts'
import { harmless } from './harmless.ts'
import { type Execution, type Journal, journal } from './journal.ts'
import { eventOf, type JsonLine, jsonLine } from './json-lines.ts'
import { type LeftBehind, leftBehind } from './left-behind.ts'
import { type Live, startLive } from './live.ts'
import { createMask, shortest } from './mask.ts'
import { maskedBytes } from './masked-bytes.ts'
import { renderProblem } from './problems.ts'
import { servingTable } from './serving.ts'
import { renderTable, type Table } from './table.ts'
import { canRedraw, columnsOf, inCharactersOf, isColoured, rowsOf } from './terminal.ts'
import { type Timeline, timeline } from './timeline.ts'
import { tellTogether } from './together.ts'
import { wrap, wrapBehind } from './wrap.ts'

export type OutputStyle = {
  json: boolean
  /** As JSON, each event is told when it happens, in a line of its own, and the result in the last. */
  lines?: boolean
  quiet: boolean
  verbose: boolean
}

type Streams = {
  stdout: NodeJS.WriteStream
  stderr: NodeJS.WriteStream
  stdin: NodeJS.ReadStream
  environment: Readonly<Record<string, string | undefined>>
  directory: string
}

/** Every byte that is printed goes through here, and through the mask. Results to stdout, narration to stderr. */
export class Output {
  readonly style: OutputStyle
  readonly #streams: Streams
  readonly #colour: ChalkInstance
  #secrets: readonly Secret[] = []
  #mask = createMask([])
  #hasJson = false
  /** The result, while it may not be the last line yet. */
  #result: object | undefined
  #journal: Journal | undefined
  /** What the events so far have told. */
  readonly leftBehind: LeftBehind = leftBehind()
  readonly timeline: Timeline = timeline()
  readonly #together = tellTogether((event, missing) => this.#narrate(event, missing))
  #servers = 0
  #live: Live | undefined
  /** What GitHub's runner has been told to fold, while it is written. */
  #group: string | undefined

  constructor(style: OutputStyle, streams: Streams) {
    this.style = style
    this.#streams = streams
    this.#colour = new Chalk({ level: isColoured(streams.stderr, streams.environment) ? 1 : 0 })
  }

  hide(secrets: readonly Secret[]): void {
    this.#secrets = [...this.#secrets, ...secrets]
    this.#mask = createMask(this.#secrets)
    if (this.isOnGitHub) this.#command(maskCommands(secrets, shortest))
  }

  /** Keeps a log of this run, which `title` begins; it is written as soon as `beginLog` says whose it is. */
  keepLog(command: string, title: string): void {
    const { environment } = this.#streams
    this.#journal = journal({ command, title, environment, mask: text => this.#mask(text) })
  }

  /** To be called when the secrets are known. */
  beginLog(project: string): void {
    this.#journal?.begin(project)
  }

  /** Says how many servers events are about to come from. */
  expect(servers: number): void {
    this.#servers = servers
  }

  /**
   * Shows in the last lines of the terminal what is going on, for as long as `work` runs. Where a terminal cannot do that,
   * or shows something else that is about each step, there are lines of what has been done alone.
   */
  async live<T>(work: () => Promise<T>): Promise<T> {
    const { stderr: stream, environment } = this.#streams
    const { json, quiet, verbose } = this.style
    if (json || quiet || verbose || !canRedraw(stream, environment)) return work()
    const mask = (text: string) => this.#mask(text)
    const live = startLive({ stream, environment, colour: this.#colour, mask })
    this.#live = live
    try {
      return await work()
    } finally {
      this.#together.flush()
      this.#live = undefined
      live.end()
    }
  }

  /** For text that is kept somewhere, and not printed here. */
  mask(text: string): string {
    return this.#mask(text)
  }

  /** Whether somebody is there who can be asked. */
  get isInteractive(): boolean {
    return Boolean(this.#streams.stdin.isTTY && this.#streams.stderr.isTTY) && !this.style.json
  }

  /** Whether GitHub's runner reads what is written. */
  get isOnGitHub(): boolean {
    return isGitHub(this.#streams.environment, this.#streams.stderr)
  }

  /** Whether results are shown to somebody, and stay in what a terminal keeps. */
  get isOnTerminal(): boolean {
    return Boolean(this.#streams.stdout.isTTY)
  }

  /** How wide results may be. */
  get columns(): number | undefined {
    return columnsOf(this.#streams.stdout, this.#streams.environment)
  }

  /**
   * To the byte and past the mask: for `registry export`, whose result is a file with secrets that was asked for, and for
   * nothing else.
   */
  reveal(contents: string | Uint8Array): void {
    this.#write('stdout', contents)
  }

  result(text: string): void {
    this.document(wrap(this.#readable(text), this.columns))
  }

  /** A result for a program as well: nothing in it is moved. */
  document(text: string): void {
    this.#journal?.tell(text)
    this.#together.flush()
    this.#enter(undefined)
    const shown = this.isOnTerminal ? inCharactersOf(this.#streams.environment, this.#mask(text)) : this.#mask(text)
    this.#write('stdout', `${shown}\n`)
  }

  /** Somebody's terminal, when a command may have it; a command's output does not go through the mask there. */
  get terminal(): Terminal | undefined {
    const { stdin, stdout, environment } = this.#streams
    return stdin.isTTY && stdout.isTTY ? { input: stdin, output: stdout, name: environment.TERM || 'xterm' } : undefined
  }

  /**
   * For what a command writes. Without a place, and not on a terminal, that is passed on to the byte, but for the
   * secrets in it.
   */
  passOn(to: 'stdout' | 'stderr', place = ''): { write: (chunk: Buffer) => void; end: () => void } {
    const stream = this.#streams[to]
    return place || stream.isTTY
      ? lineReader(line => this.foreign(place, line, to))
      : maskedBytes(bytes => this.#write(to, bytes), this.#secrets)
  }

  /** A line that somebody else wrote, after where it comes from: the same place has the same colour. */
  foreign(place: string, text: string, to: 'stdout' | 'stderr' = 'stdout'): void {
    this.#together.flush()
    this.#enter(undefined)
    const stream = this.#streams[to]
    const line = this.#mask(text.replace(/\r$/, ''))
    const shown = stream.isTTY ? harmless(line) : line
    const prefix = place && stream.isTTY ? this.#colourOf(place)(`${place} |`) : `${place} |`
    this.#write(to, place ? `${prefix} ${shown}\n` : `${shown}\n`)
  }

  /** Masked before it is JSON, so that it stays JSON when a port is the same as somebody's PIN. */
  json(value: object): void {
    if (this.style.lines) this.#result = value
    else this.#json(value, 2)
  }

  /** Nothing more is going to happen. */
  end(): void {
    this.#journal?.conclude('done')
    this.#tellResult()
  }

  /** For results that come one after the other: each is a document, in a line of its own. */
  jsonLine(value: unknown): void {
    this.#json(value, 0)
  }

  table(head: readonly string[], rows: readonly (readonly string[])[]): void {
    this.document(this.#render({ head, rows }, this.columns))
  }

  /** A table in the place of the one before, from the top of the terminal. */
  redraw(head: readonly string[], rows: readonly (readonly string[])[]): void {
    const { stdout, environment } = this.#streams
    const text = this.#render({ head, rows: rows.map(row => row.map(harmless)) }, this.columns)
    const shown = firstLines(text, { columns: this.columns, rows: rowsOf(stdout, environment) })
    stdout.write(`\u001b[H${shown.join('\u001b[K\n')}\u001b[K\n\u001b[J`)
  }

  note(text: string): void {
    this.#journal?.tell(text)
    if (!this.style.quiet) this.#tell(text)
  }

  warn(problem: Problem | string): void {
    const text = typeof problem === 'string' ? problem : this.#renderProblem(problem)
    this.#journal?.tell(`warning: ${text}`)
    this.#line('warning', typeof problem === 'string' ? { message: problem } : problem)
    this.#tell(`${this.#colour.yellow('warning:')} ${text}`)
    this.#annotate('warning', problem)
  }

  event(event: Event): void {
    this.leftBehind.hear(event)
    this.timeline.hear(event)
    this.#together.hear(event)
    this.#live?.hear(event)
    if (event.state === 'held' || event.state === 'let go') return
    const isSmallTalk = event.state === 'note' && !['drain', 'hook', 'lock', 'wait'].includes(event.step)
    if (!isSmallTalk) this.#journal?.tell(renderEvent(event, this.#colour))
    if (isSmallTalk && !this.style.verbose) return
    this.#line('event', eventOf(event))
    if (event.state === 'begun' && !['send', 'build', 'fetch', 'hook', 'push', 'pull', 'install'].includes(event.step))
      return
    if (event.state === 'done' && !event.detail && ['connect', 'lock', 'record'].includes(event.step)) return
    if (this.#live && isShownLive(event)) return
    if (this.#servers > readable && !this.style.verbose && this.#together.keeps(event)) return
    this.#narrate(event)
  }

  /** Whether scripts are shown, or kept in a log. */
  get tellsScripts(): boolean {
    return this.style.verbose || this.#journal !== undefined
  }

  /** A script that is about to run, as somebody could paste it. */
  script({ server, sshWords }: Place, script: Script, how: { isFed?: boolean } = {}): Execution {
    const command = pasted(script, sshWords, how)
    this.#showCommand(server, command)
    return this.#journal?.execution(server, command) ?? unheard
  }

  /** The same for one that gets somebody's terminal. */
  scriptAtTerminal({ server, sshWords }: Place, script: Script): void {
    this.#showCommand(server, pastedAtTerminal(script, sshWords))
  }

  #showCommand(server: string, command: string): void {
    const lines = this.#streams.stderr.isTTY ? command.split('\n').map(harmless).join('\n') : command
    if (this.style.verbose) this.#print(this.#colour.dim(`# ${server}\n${lines}`), this.#group)
  }

  async confirm(question: string): Promise<boolean> {
    return /^(y|yes|)$/i.test((await this.ask(`${question} [Y/n] `)) ?? 'no')
  }

  /** What somebody types; nothing where they close the question. */
  ask(question: string): Promise<string | undefined> {
    return this.#alone(() => this.#ask(question))
  }

  async #ask(question: string): Promise<string | undefined> {
    const prompt = createInterface({ input: this.#streams.stdin, output: this.#streams.stderr })
    // Ctrl-D, and Ctrl-C on a terminal, close the prompt and leave the question open for ever.
    const closed = new Promise<undefined>(resolve => prompt.once('close', () => resolve(undefined)))
    try {
      return (await Promise.race([prompt.question(question), closed]))?.trim()
    } finally {
      prompt.close()
    }
  }

  /** Several questions, one after the other: what is typed ahead is an answer to the next. */
  asking<T>(use: (ask: Ask) => Promise<T>): Promise<T> {
    return this.#alone(() => asking(this.#streams.stdin, this.#streams.stderr, use))
  }

  askSecret(question: string): Promise<string> {
    return this.#alone(() => askSecret(this.#streams.stdin, this.#streams.stderr, question))
  }

  /** As JSON, unless a result has been printed already: two documents would be none, but for lines. */
  error(error: unknown): void {
    this.#journal?.conclude(errorText(error))
    const log = this.#journal?.place()
    this.#tellResult()
    if (this.style.json && (this.style.lines || !this.#hasJson))
      this.#json(jsonLine('error', { ...jsonError(error), ...(log?.file && { log: log.file }) }), 0)
    else {
      this.#showError(error)
      if (log) this.#print(this.#whereLogged(log))
    }
    this.#annotate('error', error)
  }

  #showError(error: unknown): void {
    const { red, dim } = this.#colour
    if (error instanceof InvalidConfig) {
      for (const problem of error.problems) this.#tell(`${red('error:')} ${this.#renderProblem(problem)}`)
      // What came first may have left the screen.
      if (error.problems.length > 1) this.#tell(`${red('error:')} ${error.message}`)
    } else if (error instanceof JijiError) {
      if (error.output) this.#print(dim(wrapBehind('  | ', this.#mask(error.output.trimEnd()), this.#width)))
      const release = failedReleaseIn(error)
      if (release) this.#print(this.#render(servingTable(release.services), this.#width))
      this.#tell(`${red('error:')} ${error.message}${error.hint ? `\n  ${error.hint}` : ''}`)
    } else {
      this.#print(
        `${red('error:')} this is a fault of jiji, not yours\n${error instanceof Error ? error.stack : String(error)}`,
      )
    }
  }

  /** On GitHub in full, for a step that takes it along. */
  #whereLogged({ file, failure }: NonNullable<ReturnType<Journal['place']>>): string {
    if (file === undefined) return `no log of this run was kept: ${failure}`
    const home = this.#streams.environment.HOME
    const isShort = !this.isOnGitHub && home && file.startsWith(`${home}/`)
    const shown = isShort ? `~${file.slice(home.length)}` : file
    return `the log of this run: ${shown}${failure ? ` (it is not whole: ${failure})` : ''}`
  }

  #tellResult(): void {
    if (this.#result) this.#json(jsonLine('result', this.#result), 0)
    this.#result = undefined
  }

  #line(type: JsonLine['type'], value: object): void {
    if (this.style.lines) this.#json(jsonLine(type, value), 0)
  }

  #narrate(event: Event, missing: readonly string[] = []): void {
    const others = missing.length > 0 ? `, not yet on ${missing.join(', ')}` : ''
    if (!this.style.quiet) this.#tell(renderEvent(event, this.#colour) + others, groupOf(event.step))
  }

  #colourOf(place: string): (text: string) => string {
    const { cyan, yellow, green, magenta, blue, cyanBright, yellowBright, greenBright } = this.#colour
    const colours = [cyan, yellow, green, magenta, blue, cyanBright, yellowBright, greenBright]
    const sum = [...place].reduce((hash, letter) => (hash * 31 + letter.charCodeAt(0)) >>> 0, 7)
    return colours[sum % colours.length] ?? cyan
  }

  #json(value: unknown, indent: number): void {
    this.#together.flush()
    this.#enter(undefined)
    const masked = (_: string, one: unknown) => (typeof one === 'string' ? this.#mask(one) : one)
    this.#write('stdout', `${JSON.stringify(value, masked, indent)}\n`)
    this.#hasJson = true
  }

  /** Words of ours, in lines that fit. They are masked before they are moved, for a secret may have spaces in it. */
  #tell(text: string, group?: string): void {
    this.#print(wrap(this.#readable(text), this.#width), group)
  }

  /** What keeps its lines: words of others, and what can be pasted. */
  #print(text: string, group?: string): void {
    this.#together.flush()
    this.#enter(group)
    const shown = this.#readable(text)
    this.#write('stderr', `${this.isOnGitHub ? defused(shown) : shown}\n`)
  }

  /** Masked cell by cell, since words of a cell may come to stand in several lines. */
  #render({ head, rows }: Table, width: number | undefined): string {
    return renderTable(
      head,
      rows.map(row => row.map(cell => this.#mask(cell))),
      width,
    )
  }

  #renderProblem(problem: Problem): string {
    return renderProblem(problem, this.#streams.directory, { width: this.#width, mask: this.#mask })
  }

  #readable(text: string): string {
    return inCharactersOf(this.#streams.environment, this.#mask(text))
  }

  /** How wide narration may be. */
  get #width(): number | undefined {
    return columnsOf(this.#streams.stderr, this.#streams.environment)
  }

  /** Begins a group, and ends the one before. */
  #enter(group: string | undefined): void {
    if (!this.isOnGitHub || group === this.#group) return
    this.#command([...(this.#group ? [endGroup] : []), ...(group ? [beginGroup(group)] : [])])
    this.#group = group
  }

  #annotate(level: 'error' | 'warning', what: unknown): void {
    if (!this.isOnGitHub) return
    const { environment, directory } = this.#streams
    this.#command(annotations(level, what, environment.GITHUB_WORKSPACE ?? directory).map(line => this.#mask(line)))
  }

  /** With the terminal for itself. */
  #alone<T>(use: () => Promise<T>): Promise<T> {
    return this.#live ? this.#live.without(use) : use()
  }

  #write(to: 'stdout' | 'stderr', text: string | Uint8Array): void {
    const print = () => void this.#streams[to].write(text)
    if (this.#live) this.#live.above(print)
    else print()
  }

  /** Past the mask, which the names of secrets would not get past. */
  #command(lines: readonly string[]): void {
    this.#write('stderr', lines.map(line => `${line}\n`).join(''))
  }
}

type Place = Pick<Runner, 'server' | 'sshWords'>

const unheard: Execution = { line() {}, end() {} }

/** The problems come along where the configuration is what is wrong, and what serves now where a release failed. */
function jsonError(error: unknown): object {
  if (!(error instanceof JijiError))
    return {
      schemaVersion: 1,
      error: { code: 'fault', message: error instanceof Error ? error.message : String(error) },
    }
  const { code, message, hint, server } = error
  const problems = error instanceof InvalidConfig ? { problems: error.problems, ...warningsIn(error) } : {}
  const services = failedReleaseIn(error)?.services
  return {
    schemaVersion: 1,
    error: { code, message, ...(hint ? { hint } : {}), ...(server ? { server } : {}) },
    ...problems,
    ...(services ? { services } : {}),
  }
}

function warningsIn({ warnings }: InvalidConfig): { warnings?: readonly Problem[] } {
  return warnings.length > 0 ? { warnings } : {}
}

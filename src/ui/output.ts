import type { Problem } from '../config/problem.ts'
import type { Secret } from '../config/secret.ts'
import type { Event } from '../deploy/event.ts'
import { JijiError } from '../errors.ts'
import type { Runner, Terminal } from '../runner/runner.ts'
import { pasted, pastedAtTerminal } from '../shell/pasted.ts'
import type { Script } from '../shell/script.ts'
import { askLine } from './ask-line.ts'
import { askSecret } from './ask-secret.ts'
import { Documents } from './documents.ts'
import { errorText } from './error-text.ts'
import { isBookkeeping, isSmallTalk, renderEvent } from './event.ts'
import { firstLines } from './first-lines.ts'
import { passOn, showForeign } from './foreign.ts'
import { annotations } from './github.ts'
import { harmless } from './harmless.ts'
import { isInBackground } from './job-control.ts'
import { type Execution, type Journal, journal } from './journal.ts'
import { jsonError } from './json-error.ts'
import { eventOf, jsonLine } from './json-lines.ts'
import { type LeftBehind, leftBehind } from './left-behind.ts'
import { type Narration, narration } from './narration.ts'
import { Printer, type Streams } from './printer.ts'
import { problemText, showError, showWhereLogged } from './show-error.ts'
import { canRedraw, inCharactersOf, rowsOf } from './terminal.ts'
import { type Timeline, timeline } from './timeline.ts'
import { wrap } from './wrap.ts'

export type OutputStyle = {
  json: boolean
  /** As JSON, each event is told when it happens, in a line of its own, and the result in the last. */
  lines?: boolean
  quiet: boolean
  verbose: boolean
  /** Nothing that has been shown changes. */
  isPlain?: boolean
}

/** Every byte that is printed goes through here, and through the mask. Results to stdout, narration to stderr. */
export class Output {
  readonly style: OutputStyle
  readonly #streams: Streams
  readonly #printer: Printer
  readonly #documents: Documents
  readonly #narration: Narration
  #journal: Journal | undefined
  /** What the events so far have told. */
  readonly leftBehind: LeftBehind = leftBehind()
  readonly timeline: Timeline = timeline()

  constructor(style: OutputStyle, streams: Streams) {
    this.style = style
    this.#streams = streams
    this.#printer = new Printer(streams, () => this.#narration.flush())
    this.#documents = new Documents(this.#printer, Boolean(style.lines))
    this.#narration = narration(this.#printer, style)
  }

  hide(secrets: readonly Secret[]): void {
    this.#printer.hide(secrets)
  }

  /** For text that is kept somewhere, and not printed here. */
  mask(text: string): string {
    return this.#printer.mask(text)
  }

  /** Keeps a log of this run, which `title` begins; it is written as soon as `beginLog` says whose it is. */
  keepLog(command: string, title: string): void {
    const { environment } = this.#streams
    this.#journal = journal({ command, title, environment, mask: text => this.mask(text) })
  }

  /** To be called when the secrets are known. */
  beginLog(project: string): void {
    this.#journal?.begin(project)
  }

  /** Says how many servers events are about to come from. */
  expect(servers: number): void {
    this.#narration.expect(servers)
  }

  /**
   * Shows in the last lines of the terminal what is going on, for as long as `work` runs. Where a terminal cannot do that,
   * or shows something else that is about each step, there are lines of what has been done alone.
   */
  async live<T>(work: () => Promise<T>): Promise<T> {
    const { json, quiet, verbose } = this.style
    return json || quiet || verbose || !this.#mayRedraw('stderr') ? work() : this.#printer.withLive(work)
  }

  /** Whether somebody is there who can be asked. */
  get isInteractive(): boolean {
    return Boolean(this.#streams.stdin.isTTY && this.#streams.stderr.isTTY) && !this.style.json
  }

  /** Whether GitHub's runner reads what is written. */
  get isOnGitHub(): boolean {
    return this.#printer.isOnGitHub
  }

  /** Whether results are shown to somebody, and stay in what a terminal keeps. */
  get isOnTerminal(): boolean {
    return Boolean(this.#streams.stdout.isTTY)
  }

  /** Whether a result can be shown in the place of the one before. */
  get canRedraw(): boolean {
    return !this.style.json && this.#mayRedraw('stdout') && !isInBackground()
  }

  #mayRedraw(to: 'stdout' | 'stderr'): boolean {
    return !this.style.isPlain && canRedraw(this.#streams[to], this.#streams.environment)
  }

  /** How wide results may be. */
  get columns(): number | undefined {
    return this.#printer.columns
  }

  /** Somebody's terminal, when a command may have it; a command's output does not go through the mask there. */
  get terminal(): Terminal | undefined {
    const { stdin, stdout, environment } = this.#streams
    return stdin.isTTY && stdout.isTTY ? { input: stdin, output: stdout, name: environment.TERM || 'xterm' } : undefined
  }

  /**
   * To the byte and past the mask: for `registry export`, whose result is a file with secrets that was asked for, and for
   * nothing else.
   */
  reveal(contents: string | Uint8Array): void {
    this.#printer.write('stdout', contents)
  }

  result(text: string): void {
    this.document(wrap(this.#printer.readable(text), this.columns))
  }

  /** A result for a program as well: nothing in it is moved. */
  document(text: string): void {
    this.#journal?.tell(text)
    this.#printer.put('stdout', this.isOnTerminal ? this.#printer.readable(text) : this.mask(text))
  }

  table(head: readonly string[], rows: readonly (readonly string[])[]): void {
    this.document(this.#printer.render({ head, rows }, this.columns))
  }

  /** A table in the place of the one before, from the top of the terminal. */
  redraw(head: readonly string[], rows: readonly (readonly string[])[]): void {
    const { stdout, environment } = this.#streams
    const text = this.#printer.render({ head, rows: rows.map(row => row.map(harmless)) }, this.columns)
    const shown = firstLines(inCharactersOf(environment, text), {
      columns: this.columns,
      rows: rowsOf(stdout, environment),
    })
    stdout.write(`\u001b[H${shown.join('\u001b[K\n')}\u001b[K\n\u001b[J`)
  }

  /** For what a command writes, by whom `place` says. */
  passOn(to: 'stdout' | 'stderr', place = ''): ReturnType<typeof passOn> {
    return passOn(this.#printer, to, place)
  }

  /** A line that somebody else wrote. */
  foreign(place: string, text: string, to: 'stdout' | 'stderr' = 'stdout'): void {
    showForeign(this.#printer, place, text, to)
  }

  json(value: object): void {
    this.#documents.result(value)
  }

  /** For results that come one after the other: each is a document, in a line of its own. */
  jsonLine(value: unknown): void {
    this.#documents.put(value)
  }

  /** Nothing more is going to happen. */
  end(): void {
    this.#journal?.conclude('done')
    this.#documents.conclude()
  }

  note(text: string): void {
    this.#journal?.tell(text)
    if (!this.style.quiet) this.#printer.tell(text)
  }

  warn(problem: Problem | string): void {
    const text = typeof problem === 'string' ? problem : problemText(this.#printer, problem)
    this.#journal?.tell(`warning: ${text}`)
    this.#documents.line('warning', typeof problem === 'string' ? { message: problem } : problem)
    this.#printer.tell(`${this.#printer.colour.yellow('warning:')} ${text}`)
    this.#annotate('warning', problem)
  }

  event(event: Event): void {
    for (const one of [this.leftBehind, this.timeline, this.#narration]) one.hear(event)
    if (isBookkeeping(event)) return
    if (!isSmallTalk(event)) this.#journal?.tell(renderEvent(event, this.#printer.colour))
    else if (!this.style.verbose) return
    this.#documents.line('event', eventOf(event))
    this.#narration.tell(event)
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
    const { colour, group } = this.#printer
    if (this.style.verbose) this.#printer.print(colour.dim(`# ${server}\n${command}`), group)
  }

  /**
   * Shows what would be done, and asks whether it shall be. Enter alone is the `usual` answer.
   * @throws JijiError interrupted, unless the answer is yes
   */
  async confirm(shown: string, usual: 'yes' | 'no'): Promise<void> {
    const answer = await this.ask(`Go ahead? ${usual === 'yes' ? '[Y/n]' : '[y/N]'}`, shown)
    if (!/^(y|yes)$/i.test(answer || usual)) throw new JijiError('interrupted', 'nothing was changed')
  }

  /**
   * What somebody types, who is shown what it is about also where all else is quiet.
   * @throws JijiError interrupted where they close the question
   */
  ask(question: string, shown?: string): Promise<string> {
    const { stdin, stderr } = this.#streams
    if (shown !== undefined) {
      this.#journal?.tell(shown)
      this.#printer.tell(shown)
    }
    return this.#prompt(question, prompt => askLine(stdin, stderr, prompt))
  }

  askSecret(question: string): Promise<string> {
    const { stdin, stderr } = this.#streams
    return this.#prompt(question, prompt => askSecret(stdin, stderr, prompt))
  }

  /** With the terminal for itself, and room in the last line for an answer. */
  #prompt<T>(question: string, ask: (prompt: string) => Promise<T>): Promise<T> {
    const { width = Number.POSITIVE_INFINITY } = this.#printer
    const lines = wrap(this.#printer.readable(question), Math.max(width - answerWidth, answerWidth)).split('\n')
    const last = lines.pop()
    return this.#printer.alone(() => {
      if (lines.length > 0) this.#printer.print(lines.join('\n'))
      return ask(`${last} `)
    })
  }

  /** As JSON, if there is room for it. */
  error(error: unknown): void {
    this.#journal?.conclude(errorText(error))
    const log = this.#journal?.place()
    this.#documents.conclude()
    if (this.style.json && this.#documents.hasRoom)
      this.#documents.put(jsonLine('error', { ...jsonError(error), ...(log?.file && { log: log.file }) }))
    else {
      showError(this.#printer, error)
      if (log) showWhereLogged(this.#printer, log)
    }
    this.#annotate('error', error)
  }

  #annotate(level: 'error' | 'warning', what: unknown): void {
    if (!this.isOnGitHub) return
    const { environment, directory } = this.#streams
    const lines = annotations(level, what, environment.GITHUB_WORKSPACE ?? directory)
    this.#printer.commands(lines.map(line => this.mask(line)))
  }
}

/** Columns of a question's last line that are left to its answer. */
const answerWidth = 12

type Place = Pick<Runner, 'server' | 'sshWords'>

const unheard: Execution = { line() {}, end() {} }

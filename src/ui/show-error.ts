import { InvalidConfig, type Problem } from '../config/problem.ts'
import { failedReleaseIn } from '../deploy/failed-release.ts'
import { JijiError } from '../errors.ts'
import type { Journal } from './journal.ts'
import type { Printer } from './printer.ts'
import { renderProblem } from './problems.ts'
import { servingTable } from './serving.ts'
import { wrapBehind } from './wrap.ts'

/** For people: what went wrong, what somebody else said of it, what serves now, and what to try next. */
export function showError(printer: Printer, error: unknown): void {
  const { red, dim } = printer.colour
  if (error instanceof InvalidConfig) {
    for (const problem of error.problems) printer.tell(`${red('error:')} ${problemText(printer, problem)}`)
    // What came first may have left the screen.
    if (error.problems.length > 1) printer.tell(`${red('error:')} ${error.message}`)
  } else if (error instanceof JijiError) {
    const { output, message, hint } = error
    if (output) printer.print(dim(wrapBehind('  | ', printer.mask(output.trimEnd()), printer.width)))
    const release = failedReleaseIn(error)
    if (release) printer.print(printer.render(servingTable(release.services), printer.width))
    printer.tell(`${red('error:')} ${message}${hint ? `\n  ${hint}` : ''}`)
  } else {
    const stack = error instanceof Error ? error.stack : String(error)
    printer.print(`${red('error:')} this is a fault of jiji, not yours\n${stack}`)
  }
}

/** A problem of the configuration, with the line that it is in. */
export function problemText(printer: Printer, problem: Problem): string {
  const mask = (text: string) => printer.mask(text)
  return renderProblem(problem, printer.streams.directory, { width: printer.width, mask })
}

export function showWhereLogged(printer: Printer, place: LogPlace): void {
  printer.print(whereLogged(place, printer.isOnGitHub ? undefined : printer.streams.environment.HOME))
}

/** On GitHub in full, for a step that takes it along. */
function whereLogged({ file, failure }: LogPlace, home: string | undefined): string {
  if (file === undefined) return `no log of this run was kept: ${failure}`
  const shown = home && file.startsWith(`${home}/`) ? `~${file.slice(home.length)}` : file
  return `the log of this run: ${shown}${failure ? ` (it is not whole: ${failure})` : ''}`
}

type LogPlace = NonNullable<ReturnType<Journal['place']>>

import { stripVTControlCharacters } from 'node:util'
import { harmless } from './harmless.ts'
import { type Report, renderTime } from './report.ts'
import { durationOf, placeOf, type Span, slowestOf } from './timeline.ts'

/** The same as the page, as GitHub shows it below a job: Markdown, and a chart of Mermaid. */
export function reportMarkdown(report: Report): string {
  const { title, milliseconds, failure, spans } = report
  const slowest = slowestOf(spans)
  const parts = [
    `### ${failure ? ':x:' : ':white_check_mark:'} ${text(title)}`,
    ...(failure ? [`**${text(failure.message)}**`] : []),
    ...(failure?.hint ? [text(failure.hint)] : []),
    ...(failure?.output ? [fenced(failure.output.trimEnd())] : []),
    ...(report.table ? [tableOf(report.table)] : []),
    `${renderTime(milliseconds)} in all${slowest ? `; what took longest: ${text(placeOf(slowest))} ${slowest.step}, ${renderTime(durationOf(slowest))}` : ''}.`,
    ...(spans.length > 0 ? [chart(spans)] : []),
  ]
  return `${parts.join('\n\n')}\n`
}

function tableOf({ head, rows }: NonNullable<Report['table']>): string {
  const row = (cells: readonly string[]) => `| ${cells.map(cell => text(cell)).join(' | ')} |`
  return [row(head), `|${head.map(() => '---|').join('')}`, ...rows.map(row)].join('\n')
}

/** More than GitHub draws well would hide what matters: those that took longest are shown. */
const most = 60

function chart(spans: readonly Span[]): string {
  const shown = new Set(spans.toSorted((one, other) => durationOf(other) - durationOf(one)).slice(0, most))
  const sections = new Map<string, string[]>()
  for (const span of spans) {
    if (!shown.has(span)) continue
    const place = placeOf(span)
    const mark = span.outcome === 'done' ? '' : 'crit, '
    const bar = `    ${span.step} ${renderTime(durationOf(span))} :${mark}${Math.round(span.from)}, ${Math.ceil(span.to)}`
    sections.set(place, [...(sections.get(place) ?? []), bar])
  }
  const lines = [...sections].flatMap(([place, bars]) => [`  section ${word(place)}`, ...bars])
  return ['```mermaid', 'gantt', '  dateFormat x', '  axisFormat %M:%S', ...lines, '```'].join('\n')
}

/** Names that mean nothing to Mermaid. */
function word(name: string): string {
  return name.replace(/[^\w .-]/g, '_')
}

/** Whatever it is, as text in one line. */
function text(words: string): string {
  const line = harmless(stripVTControlCharacters(words).replace(/\s+/g, ' '))
  return line.replace(/[&<>]/g, mark => `&#${mark.charCodeAt(0)};`).replace(/[\\`*_{}[\]()#|~]/g, '\\$&')
}

/** With a fence that is longer than any in it. */
function fenced(output: string): string {
  const longest = Math.max(2, ...(output.match(/`+/g) ?? []).map(({ length }) => length))
  const fence = '`'.repeat(longest + 1)
  const plain = stripVTControlCharacters(output).split('\n').map(harmless).join('\n')
  return `${fence}\n${plain}\n${fence}`
}

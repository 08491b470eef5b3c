import { stripVTControlCharacters } from 'node:util'
import { harmless } from './harmless.ts'
import { type Report, renderTime } from './report.ts'
import { durationOf, placeOf, type Span } from './timeline.ts'

/** A page that stands alone: no script, nothing to fetch, light and dark, on a screen and on paper. */
export function reportPage(report: Report): string {
  const { title, at, milliseconds, failure } = report
  const when = `${at.replace('T', ' ').replace(/\.\d+Z$/, ' UTC')}, ${renderTime(milliseconds)}`
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>${text(title)}</title>
<style>${style}</style>
<main>
<header>
<h1 class="${failure ? 'failed' : 'done'}">${text(title)}</h1>
<p>${text(when)}</p>
</header>
${[failureSection(report), tableSection(report), timelineSection(report), slowestSection(report)].filter(Boolean).join('\n')}
</main>
</html>
`
}

function failureSection({ failure }: Report): string {
  if (!failure) return ''
  const hint = failure.hint ? `<p>${text(failure.hint)}</p>` : ''
  const output = failure.output ? `<pre>${text(failure.output.trimEnd())}</pre>` : ''
  return `<section><h2>What failed</h2><p><strong>${text(failure.message)}</strong></p>${hint}${output}</section>`
}

function tableSection({ table, failure }: Report): string {
  return table ? `<section><h2>${failure ? 'What serves now' : 'What changed'}</h2>${tableOf(table)}</section>` : ''
}

function slowestSection({ spans }: Report): string {
  if (spans.length === 0) return ''
  const slowest = spans.toSorted((one, other) => durationOf(other) - durationOf(one)).slice(0, 10)
  const rows = slowest.map(span => [span.step, placeOf(span), renderTime(durationOf(span)), span.detail ?? ''])
  return `<section><h2>What took longest</h2>${tableOf({ head: ['step', 'where', 'time', ''], rows })}</section>`
}

function tableOf({ head, rows }: NonNullable<Report['table']>): string {
  const cells = (tag: string, words: readonly string[]) => words.map(word => `<${tag}>${text(word)}</${tag}>`).join('')
  const body = rows.map(row => `<tr>${cells('td', row)}</tr>`).join('\n')
  return `<div class="wide"><table><thead><tr>${cells('th', head)}</tr></thead><tbody>\n${body}\n</tbody></table></div>`
}

/** A row for each place, and in it a bar for each step, from the left to the right as time went. */
function timelineSection({ spans, milliseconds }: Report): string {
  if (spans.length === 0) return ''
  const total = Math.max(1, milliseconds, ...spans.map(({ to }) => to))
  const rows = tracksOf(spans).map(({ place, spans }) => track(place, spans, total))
  const kinds = [...new Set(spans.map(kindOf))].map(kind => `<li class="${kind}">${kind}</li>`).join('')
  return `<section><h2>Timeline</h2>
<ul class="legend">${kinds}</ul>
<div class="timeline">
${track('', [], total, ticks(total))}
${rows.join('\n')}
</div></section>`
}

type Track = { place: string; spans: Span[] }

/** One for each place, and more where several things went on there at once. */
function tracksOf(spans: readonly Span[]): Track[] {
  const tracks: Track[] = []
  for (const span of spans) {
    const place = placeOf(span)
    const free = tracks.find(track => track.place === place && (track.spans.at(-1)?.to ?? 0) <= span.from)
    if (free) free.spans.push(span)
    else tracks.push({ place, spans: [span] })
  }
  const order = [...new Set(spans.map(({ server = '' }) => server))]
  const rank = ({ spans: [first] }: Track) => order.indexOf(first?.server ?? '')
  return tracks.toSorted((one, other) => rank(one) - rank(other) || one.place.localeCompare(other.place))
}

function track(place: string, spans: readonly Span[], total: number, marks = ''): string {
  const bars = spans.map(span => {
    const { step, detail, outcome } = span
    const time = renderTime(durationOf(span))
    const title = [step, detail, time, outcome === 'done' ? undefined : outcome].filter(part => part).join(', ')
    const width = percent(durationOf(span), total)
    return `<span class="bar ${kindOf(span)}" style="left:${percent(span.from, total)}%;width:${width}%" title="${text(title)}">${width > 6 ? text(step) : ''}</span>`
  })
  return `<div class="place">${text(place)}</div><div class="track">${marks}${bars.join('')}</div>`
}

/** Four to eight round times. */
function ticks(total: number): string {
  const rough = total / 6
  const unit = 10 ** Math.floor(Math.log10(rough))
  const step = Math.max(1, ([1, 2, 5, 10].find(times => unit * times >= rough) ?? 10) * unit)
  const times = Array.from({ length: Math.floor(total / step) + 1 }, (_, index) => index * step)
  return times
    .filter(time => time <= total * 0.97)
    .map(
      time => `<span class="tick" style="left:${percent(time, total)}%">${time === 0 ? '0' : renderTime(time)}</span>`,
    )
    .join('')
}

function percent(part: number, total: number): number {
  return Math.round((part / total) * 10_000) / 100
}

/** What a step is about, which gives it its colour. */
function kindOf({ step, outcome }: Span): string {
  return outcome === 'done' ? kinds[step] : 'failed'
}

const kinds: Record<Span['step'], string> = {
  ...{ connect: 'preparing', lock: 'preparing', verify: 'preparing', hook: 'preparing', registry: 'preparing' },
  ...{ install: 'preparing', allow: 'preparing', network: 'preparing' },
  ...{ send: 'building', build: 'building', fetch: 'building', push: 'building' },
  ...{ seed: 'transferring', tunnel: 'transferring', pull: 'transferring' },
  ...{ proxy: 'starting', start: 'starting', wait: 'waiting', health: 'waiting', drain: 'waiting' },
  ...{ switch: 'switching', stop: 'finishing', record: 'finishing', remove: 'finishing', 'put back': 'finishing' },
}

/** Whatever it is, as text. */
function text(words: string): string {
  const escapes: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }
  const plain = stripVTControlCharacters(words).split('\n').map(harmless).join('\n')
  return plain.replace(/[&<>"']/g, mark => escapes[mark] ?? mark)
}

const style = `
:root { --ink: #1d2330; --dim: #5c6577; --paper: #fff; --line: #d9dee7; --bad: #b3261e; --good: #1a7f37;
  --preparing: #8a94a6; --building: #b7791f; --transferring: #2b6cb0; --starting: #6b46c1; --waiting: #2c7a7b;
  --switching: #2f855a; --finishing: #718096; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ef; --dim: #9aa4b5; --paper: #14171d; --line: #313846;
  --bad: #ff8a80; --good: #6fdd8b; } }
* { box-sizing: border-box; }
body { margin: 0; color: var(--ink); background: var(--paper); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 72rem; margin: 0 auto; padding: 2rem 1rem 4rem; }
h1 { font-size: 1.5rem; margin: 0; overflow-wrap: anywhere; }
h1::before { content: ""; display: inline-block; width: .7em; height: .7em; margin-right: .5em; border-radius: 50%; background: var(--good); }
h1.failed::before { background: var(--bad); border-radius: 0; }
h2 { font-size: 1.05rem; margin: 2rem 0 .5rem; }
header p { margin: .25rem 0 0; color: var(--dim); }
pre { padding: .75rem; border: 1px solid var(--line); border-radius: 6px; overflow-x: auto; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .3rem 1rem .3rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
th { color: var(--dim); font-weight: 500; }
.legend { display: flex; flex-wrap: wrap; gap: .25rem 1rem; padding: 0; margin: 0 0 .75rem; list-style: none; color: var(--dim); }
.legend li::before { content: ""; display: inline-block; width: .8em; height: .8em; margin-right: .4em; border-radius: 2px; background: currentColor; background: var(--kind); }
.timeline { display: grid; grid-template-columns: minmax(4rem, max-content) minmax(0, 1fr); gap: 3px .75rem; align-items: center; }
.place { color: var(--dim); overflow-wrap: anywhere; max-width: 14rem; }
.track { position: relative; height: 1.5rem; border-bottom: 1px solid var(--line); }
.tick { position: absolute; bottom: 0; padding-left: .3em; border-left: 1px solid var(--line); color: var(--dim); font-size: .8rem; white-space: nowrap; }
.bar { position: absolute; top: 2px; bottom: 2px; min-width: 2px; padding: 0 .35em; border-radius: 3px; overflow: hidden; text-overflow: ellipsis; color: #fff; background: var(--kind); font-size: .8rem; line-height: 1.2rem; white-space: nowrap; }
.bar:empty { padding: 0; }
${[...new Set(Object.values(kinds))].map(kind => `.${kind} { --kind: var(--${kind}); }`).join('\n')}
.bar.failed, .legend .failed { --kind: #b3261e; }
@media (max-width: 40rem) { .timeline { grid-template-columns: 1fr; gap: 0; } .place { margin-top: .35rem; max-width: none; } }
@media print { main { padding: 0; max-width: none; } .bar, .legend li::before, h1::before { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  h2, .legend { break-after: avoid; } tr, .place, .track { break-inside: avoid; } .wide { overflow: visible; }
  pre { white-space: pre-wrap; overflow-wrap: anywhere; overflow: visible; } }
`

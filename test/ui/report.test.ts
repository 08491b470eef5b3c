import { describe, expect, test } from 'vitest'
import type { Report } from '../../src/ui/report.ts'
import { reportMarkdown } from '../../src/ui/report-markdown.ts'
import { reportPage } from '../../src/ui/report-page.ts'
import type { Span } from '../../src/ui/timeline.ts'

const span = (step: Span['step'], from: number, to: number, more: Partial<Span> = {}): Span => ({
  step,
  from,
  to,
  outcome: 'done',
  ...more,
})
const report: Report = {
  title: 'deployed shop v2',
  at: '2026-11-21T10:00:00.000Z',
  milliseconds: 4000,
  spans: [
    span('build', 0, 1000, { service: 'web', detail: 'app' }),
    span('start', 1000, 2000, { server: 's1', service: 'web' }),
    span('health', 2000, 4000, { server: 's1', service: 'web' }),
  ],
  table: { head: ['service', 'now'], rows: [['web', 'v2']] },
}
const failed: Report = {
  ...report,
  title: 'deploy of shop v2 failed',
  spans: [...report.spans, span('pull', 500, 4000, { server: 's2', outcome: 'failed' })],
  failure: { message: 's1: web is not healthy', hint: 'look at it', output: 'line one\nline ``` two' },
}
const hostile = `<script>alert(1)</script>" onload='x' & \`code\` | [a](b) :::; # é \u001b[31mred\u001b[0m\u001b]0;title\u0007`

describe('the page of a report', () => {
  const page = reportPage(report)
  test('stands alone', () => {
    expect(page).toMatch(/^<!doctype html>\n<html lang="en">/)
    expect(page).not.toMatch(/<script|src=|href=|url\(|@import|https?:/)
  })
  test('has a bar for each step, as long as it took, in a row for each place', () => {
    expect(page).toMatch(
      /<div class="place">here web<\/div>.*style="left:0%;width:25%" title="build, app, 1.0 s">build</,
    )
    const [row = ''] = /<div class="place">s1 web<\/div>.*/.exec(page) ?? []
    expect(row).toMatch(
      /class="bar starting" style="left:25%;width:25%".*class="bar waiting" style="left:50%;width:50%"/,
    )
  })
  test('has what changed, and what took longest first', () => {
    expect(page).toContain('<tr><td>web</td><td>v2</td></tr>')
    expect(page.indexOf('<td>health</td><td>s1 web</td><td>2.0 s</td>')).toBeLessThan(page.indexOf('<td>build</td>'))
    expect(page).toContain('2026-11-21 10:00:00 UTC, 4.0 s')
  })
  test('has what failed', () => {
    const page = reportPage(failed)
    expect(page).toContain('<h1 class="failed">deploy of shop v2 failed</h1>')
    expect(page).toContain('<strong>s1: web is not healthy</strong>')
    expect(page).toContain('<pre>line one\nline ``` two</pre>')
    expect(page).toMatch(/class="bar failed" .*title="pull, 3.5 s, failed"/)
  })
  test('shows what goes on at once in one place below each other', () => {
    const both = [span('pull', 0, 10, { server: 's1' }), span('proxy', 5, 15, { server: 's1' })]
    expect(reportPage({ ...report, spans: both }).match(/<div class="place">s1<\/div>/g)).toHaveLength(2)
  })
  test('takes everything for text', () => {
    const words = { title: hostile, table: { head: [hostile], rows: [[hostile]] } }
    const spans = [span('pull', 0, 10, { server: hostile, detail: hostile })]
    const page = reportPage({
      ...failed,
      ...words,
      spans,
      failure: { message: hostile, hint: hostile, output: hostile },
    })
    expect(page).not.toMatch(/<script|onload='/)
    expect(page).not.toContain('\u001b')
    expect(page).toContain('&lt;script&gt;alert(1)&lt;/script&gt;&quot; onload=&#39;x&#39; &amp; ')
  })
  test('of nothing that took any time is a page still', () => {
    expect(reportPage({ ...report, spans: [], milliseconds: 0 })).not.toContain('Timeline')
  })
})

describe('the summary of a job', () => {
  test('says the same in Markdown', () => {
    expect(reportMarkdown(report)).toBe(`### :white_check_mark: deployed shop v2

| service | now |
|---|---|
| web | v2 |

4.0 s in all; what took longest: s1 web health, 2.0 s.

\`\`\`mermaid
gantt
  dateFormat x
  axisFormat %M:%S
  section here web
    build 1.0 s :0, 1000
  section s1 web
    start 1.0 s :1000, 2000
    health 2.0 s :2000, 4000
\`\`\`
`)
  })
  test('says what failed, in a fence that its lines do not end', () => {
    const text = reportMarkdown(failed)
    expect(text).toContain('### :x: deploy of shop v2 failed\n\n**s1: web is not healthy**\n\nlook at it\n')
    expect(text).toContain('````\nline one\nline ``` two\n````')
    expect(text).toContain('    pull 3.5 s :crit, 500, 4000')
  })
  test('takes everything for text', () => {
    const spans = [span('pull', 0, 10, { server: hostile, detail: hostile })]
    const failure = { message: hostile, hint: hostile }
    const text = reportMarkdown({
      ...report,
      title: hostile,
      table: { head: ['a'], rows: [[hostile]] },
      spans,
      failure,
    })
    expect(text).not.toMatch(/<script|[^\\]\[a\]|[^\\]`code/)
    expect(text).not.toContain('\u001b')
    expect(text).toMatch(/^ {2}section [\w .-]+$/m)
  })
  test('draws those that took longest, where there are too many', () => {
    const spans = Array.from({ length: 500 }, (_, index) => span('pull', index, index * 2, { server: `s${index}` }))
    expect(reportMarkdown({ ...report, spans }).match(/ {2}section /g)).toHaveLength(60)
  })
})

import { randomUUID } from 'node:crypto'
import { accessSync, constants, statSync } from 'node:fs'
import { appendFile, writeFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { failedReleaseIn } from '../deploy/failed-release.ts'
import { JijiError } from '../errors.ts'
import { stepOutputs } from '../ui/github.ts'
import { releaseAddresses, releaseTable, renderResult } from '../ui/plan.ts'
import type { Report } from '../ui/report.ts'
import { reportMarkdown } from '../ui/report-markdown.ts'
import { reportPage } from '../ui/report-page.ts'
import { servingTable } from '../ui/serving.ts'
import type { Context } from './context.ts'
import type { Released } from './release.ts'

/**
 * Does what releases, and writes how it went, also when it fails: as a page where --report asks for one, and on GitHub as
 * the summary of its job, with outputs of its step.
 */
export async function withReport(
  context: Context,
  page: string | undefined,
  what: string,
  work: () => Promise<Released>,
): Promise<void> {
  const began = new Date()
  const about = () => ({ ...timesOf(context, began), spans: context.output.timeline.spans() })
  let released: Released
  try {
    released = await work()
  } catch (error) {
    await write(context, page, { ...about(), title: `${what} failed`, ...failureOf(error) })
    throw error
  }
  const { plan, config } = released
  await write(context, page, { ...about(), title: renderResult(plan), table: releaseTable(plan, config) })
  await writeOutputs(context, {
    version: plan.version,
    addresses: releaseAddresses(plan, config).join('\n'),
  })
}

/** @throws JijiError usage, before anything is changed, where no page can be written or none will be */
export function pageFile({ options, directory }: Context): string | undefined {
  const name = options.text('report')
  if (name === undefined) return undefined
  for (const other of ['dry-run', 'list'])
    if (options.flag(other)) throw new JijiError('usage', `--report tells what was done, and --${other} does nothing`)
  const file = resolve(directory, name)
  const isFolder = statSync(file, { throwIfNoEntry: false })?.isDirectory()
  if (isFolder) throw new JijiError('usage', `--report takes a file, and ${file} is a folder`)
  try {
    accessSync(dirname(file), constants.W_OK)
  } catch {
    throw new JijiError('usage', `--report: nothing can be written in ${dirname(file)}`, {
      hint: 'make that folder first, or name a file elsewhere',
    })
  }
  return file
}

function timesOf({ output }: Context, began: Date): Pick<Report, 'at' | 'milliseconds'> {
  return {
    at: began.toISOString(),
    milliseconds: Math.max(Date.now() - began.getTime(), ...output.timeline.spans().map(({ to }) => to)),
  }
}

function failureOf(error: unknown): Pick<Report, 'failure' | 'table'> {
  const { message } = error instanceof Error ? error : { message: String(error) }
  if (!(error instanceof JijiError)) return { failure: { message } }
  const { hint, output } = error
  const release = failedReleaseIn(error)
  return {
    failure: { message, ...(hint && { hint }), ...(output && { output }) },
    ...(release && { table: servingTable(release.services) }),
  }
}

/** What was deployed is deployed, so that a report that cannot be written is a warning. */
async function write({ output, environment }: Context, page: string | undefined, report: Report): Promise<void> {
  const masked = maskedIn(report, text => output.mask(text))
  const summary = output.isOnGitHub ? environment.GITHUB_STEP_SUMMARY : undefined
  try {
    if (page !== undefined) await writeFile(page, reportPage(masked))
    if (summary) await appendFile(summary, reportMarkdown(masked))
  } catch (error) {
    output.warn(`the report could not be written: ${(error as Error).message}`)
  }
}

async function writeOutputs({ output, environment }: Context, values: Record<string, string>): Promise<void> {
  const file = output.isOnGitHub ? environment.GITHUB_OUTPUT : undefined
  if (!file) return
  try {
    await appendFile(
      file,
      stepOutputs(
        maskedIn(values, text => output.mask(text)),
        randomUUID(),
      ),
    )
  } catch (error) {
    output.warn(`the outputs of this step could not be written: ${(error as Error).message}`)
  }
}

/** Before anything is escaped, after which a secret would be another text. */
function maskedIn<T>(value: T, mask: (text: string) => string): T {
  if (typeof value === 'string') return mask(value) as T
  if (Array.isArray(value)) return value.map(one => maskedIn(one, mask)) as T
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, maskedIn(one, mask)])) as T
}

import { relative } from 'node:path'
import { InvalidConfig, type Problem } from '../config/problem.ts'
import type { Secret } from '../config/secret.ts'
import type { Event } from '../deploy/event.ts'
import { JijiError } from '../errors.ts'

/**
 * Workflow commands of GitHub Actions, lines that its runner takes out of what a step writes to stdout or stderr:
 * https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands
 */

type Environment = Readonly<Record<string, string | undefined>>

/** Whether a runner reads the lines; a secret is told to nobody else. */
export function isGitHub(environment: Environment, stream: { isTTY?: boolean }): boolean {
  return environment.GITHUB_ACTIONS === 'true' && Boolean(environment.GITHUB_RUN_ID) && !stream.isTTY
}

/** So that GitHub hides them too, also in what other steps write. It masks line by line. */
export function maskCommands(secrets: readonly Secret[], shortest: number): string[] {
  const lines = secrets.flatMap(secret => secret.reveal().split(/\r?\n/))
  return [...new Set(lines)].filter(line => line.trim().length >= shortest).map(line => `::add-mask::${data(line)}`)
}

/** Shown at the job and, where they have a place in a file, at its line. */
export function annotations(level: 'error' | 'warning', what: unknown, root: string): string[] {
  if (what instanceof InvalidConfig) return what.problems.map(problem => ofProblem(level, problem, root))
  if (typeof what === 'string') return [command(level, { title: 'jiji' }, what)]
  if (what instanceof JijiError) return [command(level, { title: `jiji: ${what.code}` }, withHint(what))]
  return isProblem(what) ? [ofProblem(level, what, root)] : []
}

/** The part of a deploy that a line belongs to: a group that can be folded. */
export function groupOf(step: Event['step']): string {
  return groups[step]
}

const groups: Record<Event['step'], string> = {
  ...{ connect: 'Prepare', lock: 'Prepare', verify: 'Prepare', registry: 'Prepare', hook: 'Hooks' },
  ...{ install: 'Prepare', allow: 'Prepare', network: 'Prepare' },
  ...{ send: 'Build and push', build: 'Build and push', fetch: 'Build and push', push: 'Build and push' },
  ...{ seed: 'Images', tunnel: 'Images', pull: 'Images' },
  ...{ proxy: 'Release', start: 'Release', health: 'Release', switch: 'Release', drain: 'Release', stop: 'Release' },
  ...{ wait: 'Release', 'put back': 'Put back', record: 'Release', remove: 'Release' },
}

export function beginGroup(title: string): string {
  return `::group::${data(title)}`
}

export const endGroup = '::endgroup::'

/** What somebody else has written is nothing for the runner to do. */
export function defused(text: string): string {
  return text.replace(/^(\s*)::/gm, '$1: :').replaceAll('##[', '## [')
}

/** For later steps of a job: `steps.ID.outputs.NAME`. What is in a value does not end it, as nobody can know the mark. */
export function stepOutputs(values: Readonly<Record<string, string>>, mark: string): string {
  return Object.entries(values)
    .map(([name, value]) => `${name}<<${mark}\n${value}\n${mark}\n`)
    .join('')
}

function ofProblem(level: 'error' | 'warning', problem: Problem, root: string): string {
  const { file, line, column, code, path } = problem
  const at = { file: relative(root, file), line: String(line), col: String(column), title: `jiji: ${code}` }
  return command(level, at, `${path ? `${path}: ` : ''}${withHint(problem)}`)
}

function isProblem(what: unknown): what is Problem {
  return typeof what === 'object' && what !== null && 'file' in what && 'message' in what
}

function withHint({ message, hint }: { message: string; hint?: string | undefined }): string {
  return hint ? `${message}\n${hint}` : message
}

function command(name: string, properties: Record<string, string>, message: string): string {
  const written = Object.entries(properties).map(([key, value]) => `${key}=${property(value)}`)
  return `::${name} ${written.join(',')}::${data(message)}`
}

function data(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A')
}

function property(text: string): string {
  return data(text).replaceAll(':', '%3A').replaceAll(',', '%2C')
}

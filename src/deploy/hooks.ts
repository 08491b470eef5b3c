import { accessSync, constants, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { nearest } from '../config/nearest.ts'
import { JijiError } from '../errors.ts'
import { runProgram } from '../runner/program.ts'
import { type Report, reported } from './event.ts'

const hookNames = ['pre-connect', 'pre-build', 'pre-deploy', 'post-deploy', 'on-failure'] as const

export type HookName = (typeof hookNames)[number]

/** The folder of a project's hooks, relative to its root. */
const folder = '.jiji/hooks'

/**
 * The hooks of a project. Samples, hidden files and folders are none, and a name that comes close to one is a warning.
 * @throws JijiError hook.invalid for one that is not executable: it would be thought to run, and would not
 */
export function findHooks(root: string): { hooks: Set<HookName>; warnings: string[] } {
  const names = namesIn(join(root, folder)).filter(name => !/^\.|\.sample$|~$/.test(name))
  const hooks = hookNames.filter(name => names.includes(name))
  for (const name of hooks) if (!isExecutable(join(root, folder, name))) throw notExecutable(name)
  const warnings = names
    .filter(name => !hookNames.some(one => one === name) && statSync(join(root, folder, name)).isFile())
    .map(name => {
      const meant = nearest(name.replace(/\.[a-z]+$/, ''), hookNames)
      return `${folder}/${name} is no hook, and is not run${meant ? `; did you mean ${meant}?` : ''}`
    })
  return { hooks: new Set(hooks), warnings }
}

type HookContext = {
  root: string
  environment: Readonly<Record<string, string>>
  report: Report
  signal: AbortSignal
}

/**
 * Runs a hook in the project's root, and tells what it writes.
 * @throws JijiError hook.failed
 */
export async function runHook(name: HookName, { root, environment, report, signal }: HookContext): Promise<void> {
  const onLine = (line: string) => report({ step: 'hook', state: 'note', detail: `${name}: ${line}` })
  await reported(report, { step: 'hook', detail: name }, async () => {
    const code = await runProgram(join(root, folder, name), { directory: root, environment, signal, onLine }).catch(
      (error: NodeJS.ErrnoException) => {
        throw error.syscall ? cannotStart(name, error) : error
      },
    )
    if (code === 0) return
    throw new JijiError('hook.failed', `the hook ${name} ended with status ${code}`, {
      hint: `see ${folder}/${name}; --skip-hooks leaves hooks out`,
    })
  })
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory).toSorted()
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return []
    throw error
  }
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return statSync(file).isFile()
  } catch {
    return false
  }
}

function notExecutable(name: HookName): JijiError {
  return new JijiError('hook.invalid', `${folder}/${name} is not executable, and so would never run`, {
    hint: `chmod +x ${folder}/${name}, or call it ${name}.sample if it is not to run`,
  })
}

function cannotStart(name: HookName, error: NodeJS.ErrnoException): JijiError {
  return new JijiError('hook.failed', `the hook ${name} cannot be started: ${error.code}`, {
    hint: `the first line of ${folder}/${name} names what runs it, such as #!/bin/sh, and that must be there`,
    cause: error,
  })
}

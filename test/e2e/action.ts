import { readFileSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { execa } from 'execa'
import { parse } from 'yaml'
import type { Result } from './harness.ts'

export type Action = {
  inputs: Record<string, { description: string; default?: string }>
  outputs: Record<string, { description: string; value: string }>
  runs: { using: string; steps: Step[] }
}
type Step = { name: string; id?: string; shell: string; env?: Record<string, string>; run: string }

export const action: Action = parse(readFileSync(fileURLToPath(new URL('../../action.yml', import.meta.url)), 'utf8'))

type Place = {
  /** What is checked out in a job. */
  workspace: string
  /** A folder for what GitHub's runner has of its own. */
  temp: string
  environment: Record<string, string>
}

export type ActionResult = Result & { outputs: Record<string, string>; environment: Record<string, string> }

/**
 * Does what GitHub's runner does with a composite action: its steps are run by bash, one after the other until one fails,
 * with inputs in their environment, and what they write to the runner's files is there for the next.
 */
export async function runAction(
  inputs: Record<string, string>,
  { workspace, temp, environment }: Place,
  steps = action.runs.steps,
): Promise<ActionResult> {
  const files = Object.fromEntries(
    ['ENV', 'PATH', 'OUTPUT'].map(name => [`GITHUB_${name}`, join(temp, `file-${name}`)]),
  )
  const runner = {
    ...files,
    RUNNER_TEMP: temp,
    GITHUB_WORKSPACE: workspace,
    GITHUB_ACTIONS: 'true',
    GITHUB_RUN_ID: '7',
  }
  const given = (text: string) =>
    text.replace(
      /\$\{\{ inputs\.([\w-]+) \}\}/g,
      (_, name: string) => inputs[name] ?? action.inputs[name]?.default ?? '',
    )
  const result: ActionResult = { code: 0, stdout: '', stderr: '', outputs: {}, environment: { ...environment } }
  await mkdir(temp, { recursive: true })
  for (const [index, { run, env = {} }] of steps.entries()) {
    for (const file of Object.values(files)) await writeFile(file, '')
    const script = join(temp, `step-${index}.sh`)
    await writeFile(script, given(run))
    const own = Object.fromEntries(Object.entries(env).map(([name, value]) => [name, given(value)]))
    const { exitCode, stdout, stderr } = await execa('bash', ['--noprofile', '--norc', '-eo', 'pipefail', script], {
      cwd: workspace,
      env: { ...runner, ...result.environment, ...own },
      extendEnv: false,
      stdin: 'ignore',
      reject: false,
    })
    Object.assign(result, { code: exitCode ?? 128, stdout: result.stdout + stdout, stderr: result.stderr + stderr })
    const read = (name: string) => readFile(join(temp, `file-${name}`), 'utf8')
    const paths = (await read('PATH')).split('\n').filter(Boolean)
    result.environment.PATH = [...paths, result.environment.PATH].join(delimiter)
    for (const line of (await read('ENV')).split('\n').filter(Boolean)) {
      const [name = '', ...value] = line.split('=')
      result.environment[name] = value.join('=')
    }
    for (const [, name = '', , value = ''] of (await read('OUTPUT')).matchAll(/^(\w+)<<(.*)\n([\s\S]*?)\n\2$/gm))
      result.outputs[name] = value
    if (result.code !== 0) break
  }
  return result
}

import { spawn, spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, delimiter, join } from 'node:path'
import { frame } from '../../src/shell/frame.ts'
import type { LockOwner } from '../../src/shell/lock.ts'
import type { Script } from '../../src/shell/script.ts'
import { folderWith } from '../config/folder.ts'

/** The POSIX shells of this machine, each once: `sh` is one of them, and servers have others. */
export const shells: readonly (readonly [string, ...string[]])[] = (
  [['sh'], ['dash'], ['bash'], ['bash', '--posix'], ['busybox', 'sh'], ['ksh'], ['mksh'], ['yash']] as const
).filter(([program, ...words]) => spawnSync(program, [...words, '-c', 'exit 7']).status === 7 && program !== nameOfSh())

/** Which of the others `sh` is, as far as its link says so. */
function nameOfSh(): string {
  return basename(spawnSync('readlink', ['-f', '/bin/sh'], { encoding: 'utf8' }).stdout.trim())
}

export type Ran = { code: number | null; stdout: string; stderr: string }

type Options = {
  shell?: readonly [string, ...string[]]
  environment?: Record<string, string>
  /** The script reads its stdin itself, from descriptor 3. */
  isFed?: boolean
  /** Writes a line to its stdin ten times a second, and ends it when the signal says so. */
  beats?: AbortSignal
  /** Called with all of stdout each time that something has come on it. */
  onStdout?: (stdout: string) => void
  /** Ends stdin when this text has come on stdout. */
  hangUpAt?: string
  /** Closes stdout when this text has come on it. */
  deafAt?: string
}

/** Runs a script as the runners do: over stdin, which stays open until it has ended. */
export function runFramed(script: Script, options: Options = {}): Promise<Ran> {
  const {
    shell: [program, ...words] = ['sh'] as const,
    environment = {},
    isFed = false,
    beats,
    onStdout,
    hangUpAt,
    deafAt,
  } = options
  const child = spawn(program, words, { env: { ...process.env, ...environment }, stdio: 'pipe' })
  let stdout = ''
  let stderr = ''
  child.stdin.on('error', () => {})
  child.stdin.write(frame(script, { isFed }))
  const timer = setInterval(() => beats && !beats.aborted && child.stdin.write('\n'), 100)
  beats?.addEventListener('abort', () => child.stdin.end())
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
    onStdout?.(stdout)
    if (hangUpAt !== undefined && stdout.includes(hangUpAt)) child.stdin.end()
    if (deafAt !== undefined && stdout.includes(deafAt)) child.stdout.destroy()
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', () => {
      clearInterval(timer)
      child.stdin.destroy()
    })
    child.on('close', code => resolve({ code, stdout, stderr }))
  })
}

/** What a shell says of a script that it only reads: undefined when it understands it. */
export function misunderstood([program, ...words]: readonly [string, ...string[]], script: Script): string | undefined {
  const { status, stderr } = spawnSync(program, [...words, '-n'], { input: frame(script), encoding: 'utf8' })
  return status === 0 ? undefined : stderr
}

export type Bench = {
  folder: string
  environment: Record<string, string>
  /** Each call of an engine, as its words. */
  calls(): string[][]
  /** Has the lock of a project be somebody's. */
  lock(scope: string, owner: LockOwner): void
  /** Runs it with everything that would go to /var/lib/jiji in a folder of the bench. */
  run(script: Script, options?: Options): Promise<Ran>
}

/** Programs that would change this machine. */
const rooted = [
  ...['apt-get', 'dnf', 'apk', 'zypper', 'pacman', 'sudo', 'usermod', 'addgroup', 'loginctl'],
  ...['systemctl', 'service', 'rc-update', 'rc-service'],
]

/**
 * A folder with a docker, a podman and such programs that only note their words, and answer as the lines of a `case` say: its word
 * is all of theirs.
 */
export function benchWith(answers = ''): Bench {
  const folder = folderWith({ calls: '', 'state/x': '' })
  for (const program of ['docker', 'podman', ...rooted]) {
    const file = join(folder, program)
    writeFileSync(
      file,
      `#!/bin/sh
{ printf '%s' ${program}; for word; do printf '\\037%s' "$word"; done; printf '\\036'; } >>'${folder}/calls'
case "$*" in
${answers}
*) ;;
esac
`,
    )
    chmodSync(file, 0o755)
  }
  const environment = {
    PATH: `${folder}${delimiter}${process.env.PATH}`,
    HOME: folder,
    DOCKER_CONFIG: '',
    BENCH: folder,
  }
  const relocated = (script: Script): Script =>
    Object.assign(Object.create(script), {
      render: () => script.render().replaceAll('/var/lib/jiji', `${folder}/state`),
    }) as Script
  return {
    folder,
    environment,
    calls: () =>
      readFileSync(join(folder, 'calls'), 'utf8')
        .split('\u001e')
        .filter(call => call !== '')
        .map(call => call.split('\u001f')),
    lock: (scope, owner) => {
      mkdirSync(join(folder, 'state', scope, 'lock'), { recursive: true })
      writeFileSync(join(folder, 'state', scope, 'lock/owner'), JSON.stringify(owner))
    },
    run: (script, options = {}) =>
      runFramed(relocated(script), { ...options, environment: { ...environment, ...options.environment } }),
  }
}

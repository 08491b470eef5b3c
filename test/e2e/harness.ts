import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { execa } from 'execa'
import type { Rig } from './rig/rig.ts'

export const program = fileURLToPath(new URL('../../dist/main.js', import.meta.url))

/** For a shell in a terminal: waits until that has got its size from the one that it is shown in. */
export const untilSized =
  'n=0; until stty size 2>/dev/null | grep -q 133 || [ \\$((n += 1)) -gt 600 ]; do sleep 0.1; done'

export type Result = { code: number; stdout: string; stderr: string }

export type Running = {
  pid: number
  result: Promise<Result>
  /** Waits until it has said something, as a result or not; fails when it ends without. */
  says(text: string): Promise<void>
  kill(signal: NodeJS.Signals): void
}

/** A folder with a project in it, and jiji to be run there. */
export type Project = {
  folder: string
  /** Where the logs of its runs lie, of a project that is called so. */
  logsOf(project: string): string
  write(files: Record<string, string>): Promise<void>
  /** Without a terminal, and with nothing in the environment but what is given. */
  jiji(...words: string[]): Promise<Result>
  jijiWith(environment: Record<string, string>, ...words: string[]): Promise<Result>
  /** With something on its stdin. */
  jijiFed(input: string, environment: Record<string, string>, ...words: string[]): Promise<Result>
  start(environment: Record<string, string>, ...words: string[]): Running
  /** Runs a line of shell there, in which `jiji` is this program. */
  shell(line: string): Promise<Result>
  remove(): Promise<void>
}

/** @param within words before each command, such as those that have it run in another network */
export async function createProject(files: Record<string, string>, within: readonly string[] = []): Promise<Project> {
  const folder = await mkdtemp(join(tmpdir(), 'jiji-project-'))
  const state = `${folder}-state`
  const write = async (more: Record<string, string>) => {
    for (const [name, text] of Object.entries(more)) {
      await mkdir(dirname(join(folder, name)), { recursive: true })
      await writeFile(join(folder, name), text)
    }
  }
  const [file = '', ...first] = [...within, process.execPath, program]
  const spawn = (input: string | undefined, environment: Record<string, string>, words: readonly string[]) =>
    execa(file, [...first, ...words], {
      cwd: folder,
      env: { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '', XDG_STATE_HOME: state, ...environment },
      extendEnv: false,
      ...(input === undefined ? { stdin: 'ignore' } : { input }),
      reject: false,
    })
  const start = (environment: Record<string, string>, ...words: string[]): Running => {
    const child = spawn(undefined, environment, words)
    const result = child.then(({ exitCode, stdout, stderr }) => ({ code: exitCode ?? 128, stdout, stderr }))
    let said = ''
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', chunk => {
        said += String(chunk)
      })
    const says = async (text: string) => {
      const ended = result.then(({ stderr }) => Promise.reject(new Error(`it ended without saying ${text}: ${stderr}`)))
      while (!said.includes(text)) await Promise.race([ended, new Promise(resolve => setTimeout(resolve, 5))])
      ended.catch(() => {})
    }
    return { pid: child.pid ?? 0, result, says, kill: signal => void child.kill(signal) }
  }
  const jijiWith = (environment: Record<string, string>, ...words: string[]) => start(environment, ...words).result
  await write(files)
  return {
    folder,
    write,
    start,
    jijiWith,
    jijiFed: async (input, environment, ...words) => {
      const { exitCode, stdout, stderr } = await spawn(input, environment, words)
      return { code: exitCode ?? 128, stdout, stderr }
    },
    jiji: (...words) => jijiWith({}, ...words),
    shell: async line => {
      const defined = `jiji() { ${process.execPath} ${program} "$@"; }\n${line}`
      const { exitCode, stdout, stderr } = await execa('sh', ['-c', defined], {
        cwd: folder,
        env: { XDG_STATE_HOME: state },
        reject: false,
      })
      return { code: exitCode ?? 128, stdout, stderr }
    },
    logsOf: project => join(state, 'jiji-logs', project),
    remove: async () => {
      for (const one of [folder, state]) await rm(one, { recursive: true, force: true })
    },
  }
}

/** Part of a deploy.yml: how a rig's servers are reached, and which they are. */
export function serversOf(rig: Rig, names = rig.servers.map(({ name }) => name)): string {
  const lines = rig.servers
    .filter(({ name }) => names.includes(name))
    .map(({ name, engine }) => `  ${name}: {host: ${name}, engine: ${engine}}`)
  return `ssh: {config: ${rig.sshConfigFile}}\nservers:\n${lines.join('\n')}\n`
}

/**
 * A small web service. It answers with its version and what it finds in its environment; version by version it can be
 * made to be ill.
 */
export function appFiles(version: string, { isHealthy = true, port = 3000 } = {}): Record<string, string> {
  return {
    Dockerfile: `FROM node:20-slim
WORKDIR /app
COPY app.mjs ./
CMD ["node", "app.mjs"]
`,
    'app.mjs': `import { createServer } from 'node:http'
const version = ${JSON.stringify(version)}
const server = createServer((request, response) => {
  if (request.url === '/up') {
    response.statusCode = ${isHealthy ? 200 : 503}
    return response.end('up')
  }
  if (request.url === '/env') return response.end(JSON.stringify(process.env))
  const [, wait] = /^\\/slow\\/(\\d+)/.exec(request.url) ?? []
  setTimeout(() => response.end(version), Number(wait ?? 0))
})
server.listen(${port}, () => console.log('version', version, 'listens'))
process.on('SIGTERM', () => server.close(() => process.exit(0)))
${isHealthy ? '' : "console.error('the database is missing')"}
`,
  }
}
